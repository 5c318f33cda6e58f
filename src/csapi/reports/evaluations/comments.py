"""What customers wrote about the work of one agent, with the rating that it came with."""

from collections.abc import Sequence

from csapi.facts.feedback import FEEDBACK, Feedback
from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CommentOutcome
from csapi.metrics.question import Question
from csapi.reports.evaluations.directory import tested_members
from csapi.reports.evaluations.schemas import FeedbackComment
from csapi.reports.service import Snapshot

MOST_COMMENTS = 20
LATEST = f"""
SELECT c.id, c.item::text AS item FROM facts f
JOIN feedback c ON c.tenant_id = $1 AND c.id = f.subject AND NOT c.is_deleted
WHERE f.tenant_id = $1 AND f.kind = {Kind.FEEDBACK_COMMENT} AND f.outcome = {CommentOutcome.GIVEN}
  AND f.occurred_at >= $2 AND f.occurred_at < $3 AND f.actor_agent = $4
  AND ($5::bigint[] IS NULL OR f.channel = ANY($5))
  AND ($6::bigint[] IS NULL OR f.inbox = ANY($6))
ORDER BY f.occurred_at DESC, f.subject LIMIT {MOST_COMMENTS}"""


async def read_comments(
    snapshot: Snapshot, question: Question, agent: int
) -> Sequence[FeedbackComment]:
    """The latest of the range, of the channels and inboxes that the question is about."""
    period = question.period
    chosen = [
        next((list(each) for each in tested_members(question.condition, name)), None)
        for name in ("channel", "inbox")
    ]
    rows = await snapshot.connection.fetch(
        LATEST, snapshot.desk.tenant_id, period.start, period.end, agent, *chosen
    )
    found = []
    for row in rows:
        item: Feedback = FEEDBACK.decoder.decode(row["item"])
        found.append(
            FeedbackComment(
                id=str(row["id"]),
                source=item.source,
                external_id=item.external_id,
                survey=item.survey,
                rating=item.rating,
                responded_at=item.responded_at,
                comment=item.comment or "",
                ticket=item.ticket,
                call=item.call,
            )
        )
    return found
