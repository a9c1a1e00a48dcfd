import { CopyButton } from "@/components/copy-button";

const BANDIT = `from alma.lab.library import policy


@policy("one_in_ten")
class OneInTen:
    """Does what was best so far, and one task in ten with any arm."""

    def __init__(self, setting, dice):
        self.arms = setting.arms
        self.dice = dice
        self.seen = {(kind, arm): [0.5] for kind in setting.kinds for arm in setting.arms}

    def choose(self, kind):
        if self.dice.random() < 0.1:
            return self.arms[int(self.dice.integers(len(self.arms)))]
        return max(self.arms, key=lambda arm: sum(self.seen[kind, arm]) / len(self.seen[kind, arm]))

    def heard(self, kind, arm, reward):
        self.seen[kind, arm].append(reward)
`;

/** One file of somebody's own beside Alma's. A file is a program, so it is run from the terminal only. */
export function OwnBandit({ world }: { world: string }) {
  const command = `alma lab run --file my_bandit.py --world ${world}`;
  return (
    <section aria-labelledby="own-bandit" data-slot="own-bandit" className="space-y-3">
      <h2 id="own-bandit" className="font-medium text-sm">
        Your own bandit
      </h2>
      <p className="text-[13px] text-muted-foreground">
        A policy is a class of two methods: <code className="font-mono text-xs">choose</code> gives an arm for
        a kind of task, <code className="font-mono text-xs">heard</code> is told what came of it. Write it to{" "}
        <code className="font-mono text-xs">my_bandit.py</code>, and run it beside Alma's in a terminal. A
        reward, a curve of retention or a whole world of your own goes the same way;{" "}
        <code className="font-mono text-xs">docs/lab.md</code> has one of each.
      </p>
      <Code text={command} name="The command" />
      <details className="text-[13px]">
        <summary className="cursor-pointer py-1 text-muted-foreground hover:text-foreground">
          A bandit in one file
        </summary>
        <Code text={BANDIT} name="The bandit" className="mt-2" />
      </details>
    </section>
  );
}

function Code({ text, name, className }: { text: string; name: string; className?: string }) {
  return (
    <div className={className}>
      <div className="flex items-start rounded-md bg-muted/60">
        <pre
          tabIndex={0}
          role="region"
          aria-label={name}
          className="min-w-0 flex-1 overflow-x-auto px-3 py-2 font-mono text-xs leading-5 outline-none"
        >
          {text}
        </pre>
        <CopyButton text={() => text} label={`Copy: ${name.toLowerCase()}`} className="m-1" />
      </div>
    </div>
  );
}
