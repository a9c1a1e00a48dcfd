// Canned answers of the mock server.
export const HAIKU = "Soft rain on the roof,\neach drop a small syllable\nof the sky's slow prayer.\n";

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
