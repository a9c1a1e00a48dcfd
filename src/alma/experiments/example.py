"""The experiment that `alma experiment new` writes, to be changed: every field, with what it means."""

SPEC = """\
# An experiment: the same tasks, done in several ways. All that is left out is as usual.
name: Short or long
data: tasks.jsonl            # one line of JSON for each task: task, expected, slice
# kind: chat                 # chat, creative or analytical; left out, it is found for each task
seeds: 1                     # how often each task is done in each way
baseline: as usual           # what the others are compared with; the first variant, if left out

variants:
  - name: as usual
  - name: brief
    role: manager            # whose prompt, notes and memory these are
    prompt: |                # in place of the role's prompt; or `file: other_manager.md`, a whole role file
      Answer in one word or number, without a sentence around it.
    temperature: 0
    # model: ollama/qwen3:4b # which model answers
    # notes: [Name the unit.]          # learned notes that it is told
    # examples: true                   # whether approved answers are shown as examples
    # memory: {enabled: true, hits: 3}  # false, true, or a policy
    # pattern: direct                  # plan by this pattern; direct: do not split
    # stand_in: {critic: analyst}      # who does a role's tasks instead
    # settings: {ALMA_MAX_ATTEMPTS: 1} # other settings: an Alma of its own, for administrators

evaluators:
  - type: regex              # what is expected is found in the answer, as a pattern; \\b is the edge of a word
  # - type: exact            # the answer is what is expected
  # - {type: numeric, tolerance: 0.5}
  # - {type: schema, schema: {type: object, required: [city]}}
  # - type: similarity       # by meaning
  # - {type: judge, model: openai/gpt-5, question: "Which is clearer?"}
  # - type: human            # people say it in the page, without knowing which is which
  # - {type: plugin, file: mine.py, function: score}

limits:
  seconds: 120               # for each run
  parallel: 2                # runs at once
  money: 0                   # US dollars at which it stops; 0 is no limit
"""

DATA = r"""{"task": "What is the capital of France?", "expected": "Paris", "slice": "places"}
{"task": "What is the capital of Italy?", "expected": "Rome", "slice": "places"}
{"task": "How many minutes are in an hour?", "expected": "\\b(60|[Ss]ixty)\\b", "slice": "numbers"}
{"task": "How many legs has a spider?", "expected": "\\b(8|[Ee]ight)\\b", "slice": "numbers"}
"""
