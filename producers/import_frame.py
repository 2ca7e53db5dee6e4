"""The frame around an imported file: that it began stands before every row, that it ended behind every row.

Rows are spread over all partitions of the topic, which are worked off independently: so both are said in
each of them.
"""

from evenscreen.producers.publish import Message, Publisher
from evenscreen.schemas.events import ImportAnnounced
from evenscreen.schemas.topics import LABELS_ARRIVED


def announce(publisher: Publisher, event: ImportAnnounced) -> None:
    """Returns when Kafka has acknowledged `event` in every partition.

    Raises as `Publisher.publish` does: announce the same event again, it is one announcement.
    """
    numbers = publisher.partitions(LABELS_ARRIVED)
    copies = [event.model_copy(update={"partition": n, "partitions": len(numbers)}) for n in numbers]
    publisher.publish(
        [Message(LABELS_ARRIVED, one.batch_id.bytes, one.encoded(), one.partition) for one in copies]
    )
