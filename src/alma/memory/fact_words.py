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
    "|museum|clinic|studio|government|ngo|hotel|airline|bookshop|pharmacy|farm|bookstore|city|council|army|church|police|theatre|theater|newspaper"
)
DISEASES = (
    "diabetes|asthma|adhd|add|autism|epilepsy|migraines?|dyslexia|arthritis|anxiety|depression|insomnia|celiac disease"
    "|coeliac disease|high blood pressure|hypertension|crohn's|tinnitus|hay fever|dyscalculia"
)
NATIONS = _words(
    "German Austrian Swiss French Italian Spanish Portuguese British English Scottish Welsh Irish Dutch Belgian Danish "
    "Swedish Norwegian Finnish Icelandic Polish Czech Slovak Hungarian Romanian Bulgarian Greek Turkish Russian "
    "Ukrainian Serbian Croatian Slovenian Estonian Latvian Lithuanian American Canadian Mexican Brazilian Argentinian "
    "Chilean Colombian Peruvian Cuban Chinese Japanese Korean Indian Pakistani Bangladeshi Thai Vietnamese Indonesian "
    "Malaysian Filipino Australian Nigerian Kenyan Ethiopian Egyptian Moroccan Tunisian Algerian Israeli Lebanese "
    "Syrian Iraqi Iranian Saudi Ghanaian"
)
# What somebody is, and what it is about.
TRAITS: dict[str, str] = {
    **dict.fromkeys(("vegan", "vegetarian", "pescatarian", "flexitarian"), "user.diet"),
    **dict.fromkeys(("married", "single", "divorced", "engaged", "widowed", "widow", "widower"), "user.marital_status"),
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
# Jobs that no ending shows.
JOBS = _words(
    "nurse student chef cook pilot judge clerk coach midwife surgeon vet dentist intern trainee cto ceo cfo founder "
    "co-founder undergraduate postdoc freelancer researcher monk priest plumber carpenter sculptor mathematician "
    "paramedic mechanic sysadmin dj electrician guide entrepreneur"
)
# Words with such an ending that are none.
NOT_A_JOB = _words(
    "beginner newcomer believer lover number winner user member owner customer starter loser stranger visitor outsider "
    "minor matter paper letter answer error monster other brother sister mother father daughter computer server speaker"
    " "
    "morning-person supporter fighter reader follower subscriber helper killer dreamer thinker learner listener "
    "foreigner neighbor neighbour bother human woman man elephant giant want mess person liar failure factor little "
    "wonder over ever never order either disaster cancer runner-up character super first-timer passenger grown-up "
    "perfectionist optimist pessimist realist another expert novice bit better hunter-gatherer nonbeliever"
)
VAGUE = _words("it this that these those them him her you your its there here something anything all")
NO_ANSWER = _words("not too gone broken what still wrong over done when how where missing bad in slow")
LANGUAGES = _words(
    "english german french spanish italian portuguese dutch polish czech russian ukrainian turkish arabic hebrew hindi "
    "urdu bengali tamil telugu chinese mandarin cantonese japanese korean thai vietnamese greek swedish norwegian "
    "danish finnish hungarian romanian bulgarian croatian serbian catalan swahili farsi persian"
)
NOT_LIKED = _words(
    "it this that these those your you yours how the-idea him her them where what when who to-think me both none all "
    "neither either nothing something anything everything some any one much so very more most if not too his their its "
    "our my seeing hearing thinking"
)
NOT_EATEN = _words(
    "it this that much enough what a any time well now today yet right here there anything more from without with _"
)
NOT_USED = _words(
    "the this that these those it a an your my our his her their some any one something to for following such both all "
    "them you what which and them. only not as in on with"
)
TOOLS = _words(
    "vim neovim emacs vscode python rust go golang java javascript typescript kotlin swift ruby php perl haskell scala "
    "c c++ c# r julia matlab linux ubuntu debian fedora arch nixos windows macos android ios git docker kubernetes "
    "postgres postgresql sqlite mysql redis react vue svelte django flask fastapi pytorch tensorflow numpy pandas "
    "firefox chrome safari obsidian notion excel latex markdown zsh bash fish tmux jupyter figma photoshop blender "
    "metric celsius kilometres imperial pycharm intellij npm pnpm yarn uv poetry ruff black"
)
IMPERATIVES = (
    "answer|reply|respond|use|write|speak|talk|keep|give|add|include|show|be|format|call|address|cite|start|begin|end|put"
    "|round|explain|prefer|avoid|translate|return|tell|ask|say|mention|make|send|convert|quote|summari[sz]e|list|suggest"
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
ANIMAL_FOODS = _words(
    "meat fish seafood chicken pork beef lamb poultry turkey bacon ham sausages shrimp prawns shellfish salmon tuna "
    "eggs egg dairy cheese milk butter honey everything anything animal red white"
)
MEALS = _words(
    "breakfast lunch dinner supper brunch dessert early late less more better out healthy healthier fast slowly alone "
    "well too so what like again now at in my the"
)
