// Canned answers of the mock server.
export const HAIKU = "Soft rain on the roof,\neach drop a small syllable\nof the sky's slow prayer.\n";

export const HANDBOOK = `Begin with a heating curve of **0.6** and raise it in steps of 0.1, in the menu *Installer › Circuit 1* [handbook.pdf, page 12].

- If rooms stay cold while the curve is right, check the flow through the radiators first [handbook.pdf, page 12].
- Below 5 °C it defrosts by itself, which takes three to eight minutes [handbook.pdf, page 7].
- For the numbers of a fault, see [handbook.pdf].

What stands in code is no citation: \`[handbook.pdf, page 12]\`. Nor is a file that nobody gave it: [other.pdf, page 1].
`;

export const HEATING = `Both can keep a house at 20 °C. They differ in what they burn, what they cost, and how they feel.

## At a glance

| | Gas boiler | Heat pump |
|:--|--:|--:|
| Purchase and fitting | €9,000–12,000 | €18,000–30,000, less grants |
| Energy for 15,000 kWh of heat | 16,700 kWh gas | 4,300 kWh electricity |
| Yearly energy bill | about €1,850 | about €1,290 |
| CO₂ per year | 3.4 t | 0.9 t, falling with the grid |
| Service life | 15–20 years | 18–22 years |

## What decides it

1. **Flow temperature.** A heat pump is at its best below 50 °C. Large radiators or floor heating make that easy; small old radiators do not.
2. **Price ratio.** It pays when electricity costs less than about *three and a half times* as much as gas.
3. **Comfort.** Heat pumps run long and gently, so rooms stay even. Gas reacts faster after a cold night.

> A quick check: set your boiler to 50 °C flow on a cold day. If the house stays warm, a heat pump will manage too.

To compare with your own numbers:

\`\`\`python
def yearly_cost(heat_kwh: float, price: float, efficiency: float) -> float:
    """Cost of \`heat_kwh\` of heat from a source at \`price\` per kWh."""
    return heat_kwh / efficiency * price

gas = yearly_cost(15_000, price=0.11, efficiency=0.9)
pump = yearly_cost(15_000, price=0.30, efficiency=3.5)
print(f"gas {gas:.0f} €, heat pump {pump:.0f} €")
\`\`\`

**Recommendation:** choose the heat pump if the house manages on 50 °C flow, or after the three worst radiators are exchanged. Otherwise insulate first, and let the boiler do its last winters.
`;

export const RAINBOW = `Imagine sunlight as a team of runners, each wearing a different colour. From far away they run so close together that the team looks **white**.

Now the team jumps into a raindrop:

- Going in, every runner *turns a little*. Violet turns the most, red the least.
- At the back of the drop they bounce, like a ball off a wall.
- Coming out, they turn again, and now they are spread apart.

Millions of drops do this at once. From each drop only one colour reaches your eye: red from the higher ones, violet from the lower ones. Together they paint the bow. 🌈

So you can only see it with the sun **behind** you and the rain **in front**.
`;

const WORDS =
  "the light of a quiet morning moves across the bench and every instrument shows its number without haste while water boils and notes are taken in a small and even hand".split(
    " ",
  );

/** A long answer of about `tokens` tokens in varied Markdown. */
export function longText(tokens, shape = "mixed") {
  const parts = [];
  let made = 0;
  let at = 0;
  const words = (count) => {
    made += count;
    return Array.from({ length: count }, () => WORDS[at++ % WORDS.length]).join(" ");
  };
  if (shape === "paragraph") {
    while (made < tokens) parts.push(`${words(14)}, **${words(2)}** and ${words(6)}. `);
    return parts.join("");
  }
  if (shape === "code") {
    parts.push("```python\n");
    while (made < tokens)
      parts.push(`def ${words(1)}_${at}(value):\n    return value * ${at}  # ${words(6)}\n\n`);
    return `${parts.join("")}\`\`\`\n`;
  }
  if (shape === "list") {
    while (made < tokens) parts.push(`- **${words(2)}**: ${words(12)}\n`);
    return parts.join("");
  }
  if (shape === "table") {
    parts.push("| Name | Reading | Note |\n|:--|--:|:--|\n");
    while (made < tokens) parts.push(`| ${words(2)} | ${at} | ${words(8)} |\n`);
    return parts.join("");
  }
  for (let section = 1; made < tokens; section++) {
    parts.push(
      `## Part ${section}: ${words(3)}\n\n${words(45)}.\n\n${words(30)}, **${words(2)}** and \`${words(1)}\`.\n\n`,
    );
    parts.push(`- ${words(10)}\n- ${words(9)}\n  - ${words(6)}\n- ${words(12)}\n\n`);
    if (section % 3 === 0) {
      parts.push(
        `\`\`\`js\nconst reading${section} = ${section}; // ${words(5)}\nconsole.log(reading${section});\n\`\`\`\n\n`,
      );
    }
    if (section % 4 === 0)
      parts.push(`| Name | Value |\n|:--|--:|\n| ${words(2)} | ${section} |\n| ${words(1)} | ${at} |\n\n`);
  }
  return parts.join("");
}

// What the specialists of the planned run write, by task, and how it is joined.
export const TASK_TEXTS = {
  1: "A gas boiler costs €9,000 to 12,000 with fitting and lasts 15 to 20 years. At 11 cents per kWh, 15,000 kWh of heat cost about €1,850 a year. It emits 3.4 t of CO₂ a year, and that does not fall. **Comfort:** it reacts fast after a cold night, but radiators swing between hot and cool.",
  2: "A heat pump costs €18,000 to 30,000 before grants and lasts 18 to 22 years. With a yearly figure of 3.5 it needs 4,300 kWh of electricity for 15,000 kWh of heat. It emits 0.9 t of CO₂ a year, and less as the grid gets cleaner. **Comfort:** it runs long and gently, so rooms stay even.",
  3: "Gas: 15,000 / 0.9 × 0.11 = **€1,833** a year. Heat pump: 15,000 / 3.5 × 0.30 = **€1,286** a year. The heat pump saves about €550 a year, so its higher price is back after 12 to 15 years, sooner with a grant.",
  2.1: "Rooms stay at one temperature; there is no cold morning, and no hot radiator to sit by.",
  2.2: "The yearly figure of 3.5 is fair for 45 °C flow. Above 55 °C it falls to 2.8: say so.",
};

export const SYNTHESIS = `Choose the **heat pump** if the house manages on 50 °C flow [2]; otherwise insulate first.

| | Gas | Heat pump |
|:--|--:|--:|
| Purchase | €9,000–12,000 [1] | €18,000–30,000 [2] |
| Energy per year | €1,833 [3] | €1,286 [3] |
| CO₂ per year | 3.4 t [1] | 0.9 t [2] |
| Comfort | fast, uneven [1] | slow, even [2] |

- **Cost.** The heat pump saves about €550 a year, so its higher price is back after 12 to 15 years [3].
- **Climate.** It emits a quarter of what gas does, and less every year [1, 2].
- **Comfort.** Gas is faster after a cold night [1]; the heat pump keeps rooms even [2].

The two researchers differ in how long a boiler lasts; the shorter time was taken.
`;

export const SYNTHESIS_LOST = `For gas the figures are there [1]: about €1,833 a year [3] and 3.4 t of CO₂.

**What is missing:** nothing was found out about the heat pump, because its model did not answer. So no recommendation can be made yet.
`;
