//! `Mark`: what is written down before a call that must not be made twice, or not under a key that its service has forgotten.
//! Whoever gets the message again after a crash finds it.

use std::{mem, sync::Arc};

use trunkline_store::Stored;

use super::{key::Print, marks::Marks, turns::Turn};

/// What was known of a call before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing: this is the first.
    Nothing,
    /// It was begun, and may be made again until then.
    Begun(i64),
    /// Something was, and it cannot be read.
    Damaged,
    /// It was done, and the queue did not hear so.
    Done,
}

/// The mark of a message. As long as somebody has it, nobody begins a call for a message that may be the same.
pub(super) struct Mark {
    id: String,
    pub(super) before: Before,
    until_ms: i64,
    print: Print,
    marks: Arc<Marks>,
    _turn: Turn,
}

impl Mark {
    /// The one of this id, of a call that may be made again until then unless it was begun before.
    pub(super) fn new(
        (id, before): (String, Before),
        until_ms: i64,
        print: Print,
        marks: Arc<Marks>,
        turn: Turn,
    ) -> Self {
        Self { id, before, until_ms, print, marks, _turn: turn }
    }

    /// The call was tried, and may have been done.
    pub(super) fn tried(&mut self) {
        if self.before == Before::Nothing {
            self.before = Before::Begun(self.until_ms);
        }
    }

    /// The call was not made, or the queue has heard what became of it.
    pub(super) async fn forget(self) {
        self.end(None).await;
    }

    /// The call was done, and the queue does not know: its message comes again.
    pub(super) async fn done(self) {
        let record = write(Before::Done, self.print);
        self.end(Some(record)).await;
    }

    async fn end(mut self, record: Option<Vec<u8>>) {
        if let Err(error) = self.marks.end(mem::take(&mut self.id), record).await {
            tracing::warn!(%error, "what became of a message's call is not written down; it may be put aside if it comes again");
        }
    }
}

/// What is written down of the call of a message with this print.
pub(super) fn write(before: Before, print: Print) -> Vec<u8> {
    let print = print.to_be_bytes();
    match before {
        Before::Begun(until_ms) => [b"b", &until_ms.to_be_bytes()[..], &print].concat(),
        Before::Nothing | Before::Damaged | Before::Done => [b"d", &print[..]].concat(),
    }
}

/// What a record says, and of which message: an earlier version did not write that down, and it holds for each.
fn read(record: &[u8]) -> (Before, Option<Print>) {
    let (Some((tag, rest)), damaged) = (record.split_first(), (Before::Damaged, None)) else {
        return (Before::Damaged, None);
    };
    let print = |bytes: &[u8]| Some(Print::from_be_bytes(bytes.try_into().ok()?));
    let begun = |bytes: &[u8]| Some(Before::Begun(i64::from_be_bytes(bytes.try_into().ok()?)));
    let known = match tag {
        b'D' if rest.is_empty() => Some((Before::Done, None)),
        b'B' => begun(rest).map(|begun| (begun, None)),
        b'd' => print(rest).map(|print| (Before::Done, Some(print))),
        b'b' => rest.split_at_checked(8).and_then(|(until, rest)| Some((begun(until)?, Some(print(rest)?)))),
        _ => None,
    };
    known.unwrap_or(damaged)
}

/// Which of several marks of a name is that of a message with this print, if one is.
pub(super) fn find(stored: Vec<Stored>, own: Print) -> Option<(String, Before)> {
    let known = stored.into_iter().filter_map(|Stored { id, document, .. }| {
        let (before, print) = document.map_or((Before::Damaged, None), |record| read(&record));
        print.is_none_or(|print| print == own).then_some((id, before))
    });
    // Of messages that are the same, one whose call was cut off is not taken for one whose call was done: it would be lost.
    known.min_by_key(|(_, before)| match before {
        Before::Nothing | Before::Begun(_) => 0,
        Before::Damaged => 1,
        Before::Done => 2,
    })
}

#[cfg(test)]
mod tests {
    use trunkline_core::{Error, Kind};

    use super::*;

    fn stored(id: &str, record: &[u8]) -> Stored {
        let document = Ok(record.to_vec().into());
        Stored { id: id.to_owned(), generation: 1, updated_at_ms: 0, document }
    }

    #[test]
    fn what_is_written_is_read_and_holds_for_a_message_with_the_same_print_alone() {
        for print in [0, 1, Print::MAX, Print::MAX / 3] {
            for before in [i64::MIN, -1, 0, 1_800_000_000_000, i64::MAX].map(Before::Begun) {
                assert_eq!(read(&write(before, print)), (before, Some(print)));
            }
            let record = write(Before::Done, print);
            assert_eq!(read(&record), (Before::Done, Some(print)));
            assert_eq!(find(vec![stored("1", &record)], print), Some(("1".to_owned(), Before::Done)));
            assert_eq!(find(vec![stored("1", &record)], print ^ 1), None);
        }
    }

    #[test]
    fn what_an_earlier_version_wrote_holds_whatever_the_message_says() {
        let begun = [b"B", &1_800_000_000_000_i64.to_be_bytes()[..]].concat();
        for (record, before) in [(&begun[..], Before::Begun(1_800_000_000_000)), (b"D", Before::Done)] {
            assert_eq!(find(vec![stored("1", record)], 7), Some(("1".to_owned(), before)));
        }
    }

    #[test]
    fn what_cannot_be_read_is_damaged_whatever_it_says() {
        let whole = [write(Before::Done, 7), write(Before::Begun(7), 7)];
        let cut = whole.iter().flat_map(|whole| (0..whole.len()).map(|end| &whole[..end]));
        for record in cut.chain([&b"Dx"[..], b"B123", b"x"]) {
            if !matches!(record, b"D" | b"B") {
                assert_eq!(read(record), (Before::Damaged, None), "{record:?}");
            }
        }
        let closed = Stored { document: Err(Error::new(Kind::Store, "no")), ..stored("1", b"") };
        assert_eq!(find(vec![closed], 7), Some(("1".to_owned(), Before::Damaged)));
    }

    #[test]
    fn of_messages_that_are_the_same_one_that_was_cut_off_is_found_first() {
        let all = || {
            vec![
                stored("done", &write(Before::Done, 7)),
                stored("damaged", b"?"),
                stored("begun", &write(Before::Begun(7), 7)),
                stored("another", &write(Before::Begun(7), 8)),
            ]
        };
        let found = |stored| find(stored, 7).map(|(id, _)| id);
        assert_eq!(found(all()).as_deref(), Some("begun"));
        let without = |ids: &[&str]| {
            let mut all = all();
            all.retain(|one| !ids.contains(&&*one.id));
            all
        };
        assert_eq!(found(without(&["begun"])).as_deref(), Some("damaged"));
        assert_eq!(found(without(&["begun", "damaged"])).as_deref(), Some("done"));
        assert_eq!(found(without(&["begun", "damaged", "done"])), None);
    }
}
