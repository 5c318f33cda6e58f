"""English."""

from csapi.reports.papers.words.catalog import Catalog

SENTENCES = {
    "worsened": "{metric} ({section}) is worse than {against}: {value} after {before} "
    "(change {change}; {sample}; {p}).",
    "improved": "{metric} ({section}) is better than {against}: {value} after {before} "
    "(change {change}; {sample}; {p}).",
    "row_worsened": "{member}: {metric} ({section}) is worse than {against}: {value} after "
    "{before} (change {change}; {sample}; {p}).",
    "row_improved": "{member}: {metric} ({section}) is better than {against}: {value} after "
    "{before} (change {change}; {sample}; {p}).",
    "largest_part": "{member} ({dimension}) brings {part} of the change of {metric} ({change}), "
    "the largest part by this dimension.",
    "rate_and_mix": "By {dimension}, values that changed within members bring {rate} of the change "
    "of {metric} ({change}), and a changed mix of members {mix}.",
    "no_challenges": "No value over a whole range of this run is worse beyond chance.",
    "nothing_compared": "Nothing in this run is compared: it cannot say whether anything got "
    "worse.",
    "period": "{section}: from {start} until before {end}, {zone}.",
    "value": "{metric}: {value} ({sample}).",
    "count": "{metric}: {value}.",
    "value_compared": "{metric}: {value} ({sample}); {against}: {before} (change {change}): "
    "{verdict}.",
    "count_compared": "{metric}: {value}; {against}: {before} (change {change}): {verdict}.",
    "no_overview": "No question of this run has a value over its whole range.",
    "agents": "{section}: {rows}, by {dimension}.",
    "agents_range": "{metric} ({section}): from {low} ({low_member}; {low_sample}) to {high} "
    "({high_member}; {high_sample}). Whether they differ beyond chance is not tested here.",
    "no_agents": "No question of this run is by agent or team.",
    "no_agent_stands_out": "{section}: no agent or team differs beyond chance from {against}.",
    "no_findings": "Nothing else in this run stands out beyond chance.",
    "look_at_member": "Look at {member} ({dimension}) first: it brings {part} of the change of "
    "{metric} ({change}).",
    "split_change": "Add `explain` to the question {section}, so that the next run says where the "
    "change of {metric} comes from.",
    "ask_beside": "Ask for {pair} beside {metric}: alone it misleads.",
    "read_again": "Read {metric} ({section}) again later: {units} of its range may still change "
    "sides.",
    "wait_for_more": "Choose a longer range for {metric} ({section}) before you judge it: {sample} "
    "are too few for a test (at least {minimum}).",
    "send_history": "Send what happened to tickets, and not their state alone: without it {metric} "
    "({section}) has no value.",
    "run_again": "Run the report again when summaries have caught up: {section} is not exact.",
    "ask_otherwise": "Change the question {section}: it was refused ({code}).",
    "no_actions": "No rule proposes anything for this run.",
    "failed": "{section} has no answer ({code}).",
    "no_value": "{metric} ({section}) has no value: {reason}.",
    "few": "{metric} ({section}) rests on {sample}: fewer than {minimum}.",
    "not_tested": "Whether {metric} ({section}) changed is not known: {reason}.",
    "not_exact": "{section} is not exact: {buckets} and {subjects} waited to be counted.",
    "approximate": "{metric} ({section}) is approximate: at most {error} off.",
    "drawn": "{section} is laid out as a chart; its values are not told here.",
    "no_whole": "{section} has rows and no totals: there is no value of its whole range.",
    "not_split": "{section}: {splits} of significant changes were left out.",
    "split_failed": "The change of {metric} ({section}) could not be split by {dimension} "
    "({code}).",
    "cut": "{section} has more rows than its limit; the others are not part of the run.",
    "not_settled": "{metric} ({section}): {units} may still change sides.",
    "more": "More stands out in this part than is told here: the run has all of it.",
    "always": "Sentences follow by rules from the answers of the run alone: records, comments and "
    "causes are not read.",
}
NOUNS = {
    "sample": {"one": "{n} observation", "other": "{n} observations"},
    "rows": {"one": "{n} row", "other": "{n} rows"},
    "units": {"one": "{n} unit", "other": "{n} units"},
    "buckets": {"one": "{n} time slot", "other": "{n} time slots"},
    "subjects": {"one": "{n} record", "other": "{n} records"},
    "splits": {"one": "{n} split", "other": "{n} splits"},
}
CHOICES = {
    "against": {
        "previous_period": "the period before",
        "same_weekdays": "the same weekdays before",
        "previous_year": "the year before",
        "range": "the other range",
        "segment": "the other records",
        "rest": "the rest",
    },
    "verdict": {
        "improved": "better",
        "unchanged": "unchanged",
        "worsened": "worse",
        "unclear": "may be chance",
        "none": "not judged",
    },
    "null_reason": {
        "no_observations": "there is nothing to compute it from",
        "division_by_zero": "it would divide by zero",
        "not_sent": "the tickets came without their history",
        "suppressed": "it is about fewer customers than are shown",
        "no_counterpart": "the other range has no such time",
        "mixed_scales": "the ratings are on different scales",
    },
    "verdict_reason": {
        "neutral": "neither direction is good",
        "no_value": "one side has no value",
        "no_test": "there is no test for it",
        "not_comparable": "counts of unlike ranges or records are not comparable",
        "not_final": "a range is not over, or its records may still change",
        "too_few": "there are too few observations",
        "mixed_scales": "the ratings are on different scales",
        "not_significant": "the difference may be chance",
    },
    "finding": {
        "excels": "better than peers",
        "needs_training": "worse than peers",
        "declined": "worse than before",
        "systemic": "the whole team is worse than before",
    },
    "row": {"data": "", "other": "Other", "totals": "Total"},
}
TERMS = {
    "summary": "Summary",
    "challenges": "Main challenges",
    "overview": "Metrics overview",
    "agents": "Agents",
    "findings": "Findings",
    "actions": "Proposed actions",
    "not_covered": "What this summary does not cover",
    "report": "Report",
    "evaluation": "Agent evaluation",
    "agent": "Agent",
    "tenant": "Account",
    "range": "Range",
    "zone": "Time zone",
    "as_of": "Seen from",
    "made_at": "Made at",
    "run": "Run",
    "exact": "Exact",
    "yes": "Yes",
    "no": "No",
    "pending": "Waiting to be counted",
    "definitions": "Versions of definitions",
    "warnings": "Notes",
    "metric": "Metric",
    "value": "Value",
    "interval": "95 % interval",
    "n": "n",
    "before": "Other side",
    "change": "Change",
    "p": "p",
    "verdict": "Verdict",
    "past": "Own past",
    "team": "Rest of the team",
    "peers": "Peers",
    "median": "Median",
    "ratings": "Ratings",
    "rating": "Rating",
    "count": "Count",
    "contribution": "Contribution",
    "explanation": "Where the change of {metric} comes from, by {dimension}",
    "no_answer": "No answer",
    "more_rows": "Further rows are left out of this paper; the spreadsheet and CSV have them.",
    "page": "Page",
    "of": "of",
    "of_pages": "",
    "row": "Row",
    "question": "Question",
    "other": "Other",
    "comments": "Comments",
    "self_evaluations": "Self-evaluations",
    "state": "Now",
    "d": "d",
    "h": "h",
    "min": "min",
    "s": "s",
    "points": "points",
}
CATALOG = Catalog(sentences=SENTENCES, nouns=NOUNS, choices=CHOICES, terms=TERMS)
