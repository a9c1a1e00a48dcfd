"""Words that the rules for facts know. Data only."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", text))


FAMILY = "|".join(
    "wife husband partner girlfriend boyfriend fiancée fiancé fiancee fiance son daughter mother mom mum father dad "
    "brother sister grandmother grandma grandfather grandpa aunt uncle cousin niece nephew baby stepson stepdaughter "
    "mother-in-law father-in-law brother-in-law sister-in-law twin boss roommate flatmate sibling".split()
)
PETS = "|".join("dog puppy cat kitten rabbit hamster parrot horse pony tortoise turtle goldfish bird budgie".split())
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
    **dict.fromkeys(("retired", "unemployed", "self-employed", "freelancing", "on parental leave"), "user.job"),
    **dict.fromkeys(("left-handed", "right-handed"), "user.handedness"),
    **dict.fromkeys(
        (
            "lactose intolerant",
            "lactose-intolerant",
            "gluten intolerant",
            "gluten-intolerant",
            "diabetic",
            "celiac",
            "coeliac",
            "colour-blind",
            "color-blind",
            "colour blind",
            "color blind",
            "deaf",
            "blind",
            "autistic",
            "dyslexic",
            "pregnant",
            "a smoker",
            "smoker",
        ),
        "",
    ),  # fmt: skip
    **dict.fromkeys(("muslim", "christian", "jewish", "buddhist", "hindu", "atheist", "catholic"), "user.religion"),
}
# Jobs that no ending shows.
ONLY_ONE = _words(
    "nurse student chef cook pilot judge clerk coach midwife surgeon vet dentist intern trainee cto ceo cfo founder "
    "co-founder undergraduate postdoc freelancer researcher monk priest plumber carpenter sculptor mathematician "
    "paramedic mechanic sysadmin devops dj lecturer electrician guide entrepreneur phd lead head"
)
# Words with such an ending that are none.
NOT_A_JOB = _words(
    "beginner newcomer believer lover number winner user member owner customer starter loser stranger visitor outsider "
    "minor matter paper letter answer error monster other brother sister mother father daughter computer server speaker "
    "morning-person supporter fighter reader follower subscriber helper killer dreamer thinker learner listener "
    "foreigner neighbor neighbour bother human woman man elephant giant want mess person liar failure factor little "
    "wonder over ever never order either disaster cancer runner-up character super first-timer passenger grown-up "
    "perfectionist optimist pessimist realist another expert novice bit better hunter-gatherer nonbeliever"
)
NOT_LIKED = _words(
    "it this that these those your you yours how the-idea him her them where what when who to-think me both none all "
    "neither either nothing something anything everything some any one much so very more most if not too his their its "
    "our my working-on seeing hearing thinking"
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
