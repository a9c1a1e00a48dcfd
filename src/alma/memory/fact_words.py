"""Words that the rules for facts know. Data only."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", text))


FAMILY = (
    "wife|husband|partner|girlfriend|boyfriend|fiancée|fiancé|fiancee|fiance|son|daughter|mother|mom|mum|father|dad"
    "|brother|sister|grandmother|grandma|grandfather|grandpa|aunt|uncle|cousin|niece|nephew|baby|stepson|stepdaughter"
    "|mother-in-law|father-in-law|brother-in-law|sister-in-law|twin|boss|roommate|flatmate|sibling"
)
NEAREST = _words(
    "wife husband partner girlfriend boyfriend fiancée fiancé fiancee fiance mother mom mum father dad boss"
)  # of whom one has one
PETS = "dog|puppy|cat|kitten|rabbit|hamster|parrot|horse|pony|tortoise|turtle|goldfish|bird|budgie|guinea pig"
FIRMS = (
    "company|bank|hospital|school|university|startup|start-up|agency|firm|lab|factory|bakery|shop|restaurant|library"
    "|museum|clinic|studio|government|ngo|hotel|airline|bookshop|pharmacy|farm|bookstore|city|council|army|church"
    "|police|theatre|theater|newspaper"
)
DISEASES = (
    "diabetes|asthma|adhd|add|autism|epilepsy|migraines?|dyslexia|arthritis|anxiety|depression|insomnia|celiac disease"
    "|coeliac disease|high blood pressure|hypertension|crohn's|tinnitus|hay fever|dyscalculia"
)
NATIONS = _words(
    "German Austrian Swiss French Italian Spanish Portuguese British English Scottish Welsh Irish Dutch Belgian "
    "Danish Swedish Norwegian Finnish Icelandic Polish Czech Slovak Hungarian Romanian Bulgarian Greek Turkish "
    "Russian Ukrainian Serbian Croatian Slovenian Estonian Latvian Lithuanian American Canadian Mexican Brazilian "
    "Argentinian Chilean Colombian Peruvian Cuban Chinese Japanese Korean Indian Pakistani Bangladeshi Thai "
    "Vietnamese Indonesian Malaysian Filipino Australian Nigerian Kenyan Ethiopian Egyptian Moroccan Tunisian "
    "Algerian Israeli Lebanese Syrian Iraqi Iranian Saudi Ghanaian"
)
# What somebody is, and what it is about.
TRAITS: dict[str, str] = {
    **dict.fromkeys(("vegan", "vegetarian", "pescatarian", "flexitarian"), "user.diet"),
    **dict.fromkeys(
        ("married", "single", "divorced", "separated", "engaged", "widowed", "widow", "widower"), "user.marital_status"
    ),
    **dict.fromkeys(("retired", "unemployed", "self-employed", "on parental leave"), "user.job"),
    **dict.fromkeys(("left-handed", "right-handed"), "user.handedness"),
    **dict.fromkeys(("muslim", "christian", "jewish", "buddhist", "hindu", "catholic"), "user.religion"),
    **dict.fromkeys(("lactose intolerant", "lactose-intolerant"), "user.intolerance.lactose"),
    **dict.fromkeys(("gluten intolerant", "gluten-intolerant"), "user.intolerance.gluten"),
    **dict.fromkeys(("celiac", "coeliac"), "user.health.celiac"),
    **dict.fromkeys(("colour-blind", "color-blind", "colour blind", "color blind"), "user.health.colour_blind"),
    "diabetic": "user.health.diabetes",
    "autistic": "user.health.autism",
    "dyslexic": "user.health.dyslexia",
    "pregnant": "user.health.pregnant",
    "deaf": "user.health.deaf",
    "smoker": "user.smoking",
}
WITH_ARTICLE = _words("vegetarian pescatarian flexitarian smoker widow widower")
# Firms and services in which one works all day, or to which a team moves; no places.
SERVICES = _words(
    "aws azure gcp google microsoft zoom slack teams jira confluence outlook notion discord reddit twitter facebook "
    "instagram tiktok youtube github gitlab trello asana salesforce sap heroku vercel cloudflare shopify wordpress "
    "gmail spotify netflix amazon whatsapp telegram signal linkedin meta apple minecraft skype webex miro"
)
# Jobs by their last word. Their endings are of no use: a rider, a sleeper, a pessimist and a volunteer have them too.
JOBS = _words(
    "accountant actor actress actuary administrator advisor adviser agent analyst animator archaeologist architect "
    "archivist assistant astronaut attorney auditor author baker banker barber barista bartender biologist bookkeeper "
    "bookseller botanist brewer bricklayer broker builder butcher caretaker carer carpenter cashier ceo cfo chef "
    "chemist cleaner clerk co-founder coach cobbler comedian composer conductor consultant contractor controller cook "
    "coordinator copywriter councillor counsellor counselor courier cto curator dancer dealer dentist designer "
    "detective developer dietitian diplomat director dispatcher dj doctor draughtsman driver drummer economist editor "
    "electrician engineer entrepreneur epidemiologist estimator farmer firefighter firefighters fireman fisherman "
    "florist flutist founder freelancer gardener geologist geophysicist glazier goldsmith grocer guard guide "
    "guitarist hairdresser handyman headmaster historian housekeeper housewife hygienist illustrator inspector "
    "instructor intern interpreter investigator janitor jeweller jeweler joiner journalist judge landscaper lawyer "
    "lecturer librarian lifeguard linguist locksmith magistrate maker manager mason mathematician mechanic merchant "
    "meteorologist midwife miller miner minister model monk musician nanny notary novelist nun nurse nutritionist "
    "officer operator optician optometrist organist painter paralegal paramedic pastor pathologist pediatrician "
    "pharmacist photographer physician physicist physio physiotherapist pianist pilot planner plumber podiatrist poet "
    "policeman policewoman policymaker politician porter postdoc postman potter priest principal producer professor "
    "programmer psychiatrist psychologist psychotherapist publicist publisher rabbi radiographer radiologist ranger "
    "realtor receptionist recruiter referee reporter researcher retailer roofer sailor salesman salesperson "
    "saleswoman scholar scientist screenwriter sculptor seamstress secretary seller sergeant shopkeeper singer "
    "sociologist soldier solicitor sommelier statistician steward stewardess stonemason strategist student stylist "
    "supervisor surgeon surveyor sysadmin tailor taxidermist teacher technician technologist tester therapist "
    "toolmaker trader trainee trainer translator tutor typist undergraduate underwriter upholsterer urbanist usher "
    "vet veterinarian violinist waiter waitress warden watchmaker weaver welder winemaker woodworker worker writer "
    "zookeeper zoologist"
)
RELIGIONS = _words("muslim christian jewish buddhist hindu catholic protestant orthodox atheist agnostic mormon sikh")
TITLES = _words("ceo cfo cto coo founder co-founder director head principal headmaster")  # of which there is one
# Of these it must be said what kind: a social worker, an estate agent.
BROAD_JOBS = _words(
    "agent assistant operator controller worker builder model maker producer seller dealer trainer trader tester "
    "minister scholar guide author owner broker planner cleaner inspector supervisor referee guard steward miner "
    "reporter porter"
)
# Before such a word: somebody who is not that by trade, or is no more, or not yet.
NOT_BY_TRADE = _words(
    "good bad great terrible awful decent lousy horrible brilliant excellent fine slow fast quick big heavy light "
    "early late amateur hobby aspiring former ex wannabe armchair would-be future secret born natural better worse "
    "best worst keen avid fake mediocre passable poor nervous careful careless cautious safe new confident real "
    "proper true lazy home backseat user imaginary fictional virtual wonderful fantastic dreadful hopeless competent "
    "reasonable frequent hard fair one-time failed trained qualified budding struggling second-rate fellow kind sort "
    "bit lot happy sad tired busy shower bathroom bedroom model people team sole co main only same local proud grumpy "
    "mere potential prospective"
)
GROUPS = _words(
    "team group unit duo pair couple charm whole family trio crew rule result hobby joke favour favor test side"
)
DAYS = _words(
    "monday mondays tuesday tuesdays wednesday wednesdays thursday thursdays friday fridays saturday saturdays sunday "
    "sundays weekend weekends january february march april may june july august september october november december "
    "spring summer autumn winter christmas easter halloween ramadan hanukkah thanksgiving today tomorrow tonight "
    "yesterday utc gmt cet cest est edt pst pdt cst mst ist jst bst aest lent mornings nights"
)
# What is studied.
SUBJECTS = _words(
    "law medicine dentistry nursing pharmacy chemistry biology physics maths math mathematics statistics economics "
    "history philosophy theology psychology sociology linguistics literature music art arts architecture engineering "
    "business journalism education geography geology astronomy computing informatics cs robotics design drama theatre "
    "film management marketing finance accounting agriculture forestry politics anthropology archaeology biochemistry "
    "classics neuroscience logistics ecology translation languages law science sciences studies photography dance "
    "accounting biotechnology bioinformatics veterinary hospitality tourism fashion"
)
# How something is, or what has become of it: no name, no thing, no answer.
STATES = _words(
    "nice bad good great fine ok okay long short hard easy common rare unusual weird strange odd wrong right "
    "different secret private public taken missing lost unknown known free full empty boring fun cool awesome awful "
    "horrible important unimportant irrelevant tired hungry thirsty sick ill sad happy mad angry busy late early "
    "ready new old young big small huge tiny loud quiet hot cold warm cheap expensive pricey slow fast stuck broken "
    "gone over done down up off out here there back away dead alive alone sure unsure afraid aware able unable "
    "curious eager open shut not no never always often sometimes usually hardly barely still already just only also "
    "even too very so really quite rather pretty somewhat almost about like being getting having going coming looking "
    "trying making doing working changing growing falling failing losing winning playing dying crashing spelt written "
    "misspelt mess nothing anything everything something none all both either neither it this that these those "
    "pending due unclear invalid valid unavailable available similar simple plain perfect poor rich safe unsafe dirty "
    "clean torn worn demanding exhausting tiring interesting exciting amazing fascinating relaxing rewarding "
    "frustrating annoying overwhelming challenging when where how why what who which because if in on at to for from "
    "with without by of yours mine ours theirs his hers my your our their whatever tbd none unique gibberish better "
    "worse best worst more less most least enough much many few little"
)
NOT_STATES = _words(
    "bread seed weed seaweed reed red bed shed sled family jelly belly lily vegetable table cable fly olive olives "
    "chive endive archive sorbet"
)
# Verbs with which a sentence goes on. Left out is what is as well the first word of a thing that can be liked.
DOES = (
    "need|needs|want|wants|prefer|prefers|love|hate|like|dislike|adore|live|lives|commute|think|know|believe|feel|hope"
    "|wish|try|have|has|had|am|is|are|was|were|do|does|did|don't|doesn't|didn't|can|can't|cannot|could|would|should"
    "|must|may|might|will|won't|go|went|get|got|take|took|make|made|bake|eat|drive|ride|speak|teach|learn|read|write"
    "|use|own|keep|avoid|intend|seem|sell|buy|moved|lived|worked|ate|drank|became|become|find|found|tell|told|ask"
    "|asked|give|gave|see|saw|hear|heard|say|said|spend|spent|bring|brought|leave|left|meet|met|pay|paid|send|sent"
    "|stay|stayed|wait|wonder|worry|struggle|suffer|sleep|wake|wear|grew|ran|swim|tend|enjoy|study|studied|work"
    "|plan to|look|play|cook|drink|run|help|start|started|stop|stopped|quit|let|let's|show|explain|recommend|suggest"
    "|book|check|fix|create|add|put"
)
VAGUE = _words("it this that these those them him her you your its there here something anything all")
NO_ANSWER = _words("not too gone broken what still wrong over done when how where missing bad in slow")
LANGUAGES = _words(
    "english german french spanish italian portuguese dutch polish czech russian ukrainian turkish arabic hebrew "
    "hindi urdu bengali tamil telugu chinese mandarin cantonese japanese korean thai vietnamese greek swedish "
    "norwegian welsh irish gaelic basque galician icelandic estonian latvian lithuanian slovak slovene slovenian "
    "albanian armenian georgian afrikaans malay indonesian tagalog nepali punjabi yiddish latin esperanto danish "
    "finnish hungarian romanian bulgarian croatian serbian catalan swahili farsi persian"
)
NOT_LIKED = _words(
    "it this that these those your you yours how the-idea him her them where what when who to-think me both none all "
    "neither either nothing something anything everything some any one much so very more most if not too his their "
    "its our my seeing hearing thinking"
)
NOT_EATEN = _words(
    "at in on by smoke drive vape gamble and or but another more alone out later it this that much enough what a any "
    "time well now today yet right here there anything more from without with _"
)
NOT_USED = _words(
    "the this that these those it a an your my our his her their some any one something to for following such both "
    "all them you what which and them. only not as in on with"
)
TOOLS = _words(
    "vim neovim emacs vscode python rust go golang java javascript typescript kotlin swift ruby php perl haskell "
    "scala c c++ c# r julia matlab linux ubuntu debian fedora arch nixos windows macos android ios git docker "
    "kubernetes postgres postgresql sqlite mysql redis react vue svelte django flask fastapi pytorch tensorflow numpy "
    "pandas firefox chrome safari obsidian notion excel latex markdown zsh bash fish tmux jupyter figma photoshop "
    "blender metric celsius kilometres imperial pycharm intellij npm pnpm yarn uv poetry ruff black"
)
IMPERATIVES = (
    "answer|reply|respond|use|write|speak|talk|keep|give|add|include|show|be|format|call|address|cite|start|begin|end"
    "|put"
    "|round|explain|prefer|avoid|translate|return|tell|ask|say|mention|make|send|convert|quote|summari[sz]e|list"
    "|suggest"
)
# Two things that are one.
PAIRS = (
    r"rock (?:and|&) roll|(?:rhythm|r) (?:and|&) (?:blues|b)|drum (?:and|&) bass|salt (?:and|&) (?:pepper|vinegar)"
    r"|fish (?:and|&) chips|gin (?:and|&) tonic|rum (?:and|&) coke|bread (?:and|&) butter|bacon (?:and|&) eggs"
    r"|ham (?:and|&) (?:eggs|cheese)|mac (?:and|&) cheese|peanut butter (?:and|&) jelly|biscuits (?:and|&) gravy"
    r"|bangers (?:and|&) mash|oil (?:and|&) vinegar|rice (?:and|&) beans|cookies (?:and|&) cream|milk (?:and|&) cookies"
    r"|surf (?:and|&) turf|sweet (?:and|&) sour|arts (?:and|&) crafts|bed (?:and|&) breakfasts?|pros (?:and|&) cons"
    r"|peace (?:and|&) quiet|law (?:and|&) order|track (?:and|&) field|hide (?:and|&) seek|stop (?:and|&) go"
    r"|trial (?:and|&) error|country (?:and|&) western|cloak (?:and|&) dagger|black (?:and|&) white"
    r"|dungeons (?:and|&) dragons|simon (?:and|&) garfunkel|hall (?:and|&) oates|guns (?:and|&) roses"
    r"|tom (?:and|&) jerry|earth,? wind (?:and|&) fire|rick (?:and|&) morty|war (?:and|&) peace"
    r"|pride (?:and|&) prejudice"
    r"|sense (?:and|&) sensibility|crime (?:and|&) punishment|romeo (?:and|&) juliet|beauty (?:and|&) the beast"
    r"|marks (?:and|&) spencer|barnes (?:and|&) noble|johnson (?:and|&) johnson|harold (?:and|&) maude"
)
# Before "and", of the noun that follows the second of them.
ADJECTIVES = _words(
    "red white green black blue brown dark light hot cold warm big small large old new modern classical sweet salty "
    "sour spicy bitter short long early late fresh dry wet young indoor outdoor electric acoustic digital analog "
    "analogue soft hard northern southern eastern western local foreign ancient medieval raw cooked"
)
FLESH = _words(
    "meat fish seafood chicken pork beef lamb poultry turkey bacon ham sausages shellfish salmon tuna everything "
    "anything"
)
ANIMAL_FOODS = _words(
    "meat fish seafood chicken pork beef lamb poultry turkey bacon ham sausages shrimp prawns shellfish salmon tuna "
    "eggs egg dairy cheese milk butter honey everything anything animal red white"
)
MEALS = _words(
    "earlier later sooner breakfast lunch dinner supper brunch dessert early late less more better out healthy "
    "healthier fast slowly alone well too so what like again now at in my the"
)
# What one can like to do, of what begins with "to".
PASTIMES = _words(
    "cook bake hike swim read run travel sing dance paint draw garden knit sew ski surf climb cycle play write fish "
    "sail camp code program walk drive ride skate row dive juggle box wrestle fence sculpt sketch photograph brew "
    "crochet snowboard kayak jog sleep eat drink shop"
)
# Games, sports and instruments that are played.
PLAYED = (
    "chess|go|checkers|backgammon|poker|bridge|cards|darts|pool|snooker|tennis|table tennis|badminton|squash|football"
    "|soccer|rugby|cricket|hockey|basketball|volleyball|baseball|handball|golf|lacrosse|water polo|piano|guitar|violin"
    "|viola|cello|double bass|bass|drums|flute|clarinet|oboe|bassoon|trumpet|trombone|tuba|horn|harp|saxophone|sax"
    "|accordion|banjo|ukulele|mandolin|organ|harmonica|recorder|bagpipes|keyboards?|video games|board games|minecraft"
    "|scrabble|dungeons|oud|sitar|lute|synths?|ice hockey|padel"
)
