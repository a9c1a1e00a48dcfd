"""A story with all that can happen in a planned run: what each agent says of why a bakery earns less in winter.

Task 1 asks the user, tells task 2 something and writes on the board; 2 needs leave for its tool; 3 is cut off, tried
again, refused and passed on; 4 waits for all of them; 5 sends 4 back, so that 6 does it again and 7 judges that.
"""

from __future__ import annotations

import json

from planned_page import STEADY, Rule, calls, joins, plans, says, task

QUESTION = "Which winter do you mean?"
TOLD = "January had 2,140 customers; take that for the margin."


def request(shop: str = "bakery") -> str:
    return f"Investigate why the {shop} earns less in winter"


def story(shop: str = "bakery") -> list[Rule]:
    """What is said of a shop. Each is good for one run: who has asked once does not ask again."""
    asked = request(shop)
    customers = f"Count the customers of the {shop} month by month"
    margin = f"Compute the margin of the {shop} in winter"
    energy = f"Weigh what the {shop} pays for energy"
    reasons = f"Say in one paragraph why the {shop} earns less in winter"
    judge = f"Check the paragraph on the {shop}"
    return [
        plans(
            asked,
            task("researcher", customers, title="Customers by month"),
            task("coder", margin, title="Margin in winter"),
            task("analyst", energy, title="Energy"),
            task("writer", reasons, 1, 2, 3, title="The reasons"),
            task("critic", judge, title="Check of the reasons", review_of=4),
        ),
        calls(
            customers,
            ("ask_user", {"question": QUESTION, "options": ["The last one", "The last three"]}),
            ("send_message", {"to": "2", "text": TOLD, "kind": "inform"}),
            ("write_board", {"key": "customers", "text": "January 2,140 · February 2,230 · July 3,960"}),
        ),
        says(
            customers,
            "**From November to February** 2,210 people come in a month; from May to August it is 3,870.\n\n"
            "- Tourists are a third of the summer's customers and none of the winter's.\n"
            "- On days below zero a fifth of the regulars stay away.\n\n"
            "The numbers come from the till, so orders by telephone are not in them.",
            STEADY,
        ),
        calls(margin, ("python", {"code": "sold, made = 2140 * 6.2, 2140 * 4.7\nprint(round(1 - made / sold, 3))"})),
        says(
            margin,
            "A customer leaves 6.20 € in winter, and what they buy costs 4.70 € to make: the margin is 24 percent. "
            "In summer it is 31 percent, since the same oven bakes for almost twice as many.",
            STEADY,
        ),
        says(energy, "The oven takes", STEADY, fault={"kind": "cut", "after": 3}, times=1),
        says(energy, "", fault={"kind": "status", "status": 400}, times=2),
        says(
            energy,
            "The oven takes 62 percent of the electricity in every month. In winter 1,900 kWh of gas for heating are "
            "added, which is 230 € a month. That is a tenth of what is missing: it matters, and it does not decide.",
            STEADY,
        ),
        says(
            reasons,
            f"The {shop} earns less because fewer people come, and because each bun costs more to bake.",
            STEADY,
        ),
        {
            "match": rf"(?s)\[6\] .*{judge}$",
            "answer": json.dumps({"verdict": "accept", "notes": "Both figures are there now."}),
        },
        says(judge, json.dumps({"verdict": "revise", "notes": "Name the figures that the others have found."})),
        joins(
            asked,
            f"The {shop} earns less in winter because **40 percent fewer people** come [1]; tourists alone are most "
            "of that. Each sale leaves less, too: the margin falls from 31 to 24 percent [2], since the oven bakes for "
            "fewer. Heating adds 230 € a month [3], a tenth of the gap.\n\n"
            "**Begin with the customers:** soup and bread at noon would bring in those who work nearby.",
            STEADY,
        ),
    ]
