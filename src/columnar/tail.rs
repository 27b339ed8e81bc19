//! The rows that are in no segment yet, as columns.
//!
//! Rows that are new become a block of their own, and neighbours of about one size are put together. So what
//! it costs to ask again and again while events arrive depends on what came since, and not on all that waits
//! to be sealed. What this instance seals leaves the tail, and the rest of it stays.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use sea_orm::ConnectionTrait;
use tokio::task;

use super::{
    NONE,
    build::Builder,
    numbers::{self, Kind},
    part::{Loaded, Part, Parts},
    snapshot::{given, number},
    values::{Codes, Places, Texts, Translate, Values},
};
use crate::{
    entity::segment_head,
    error::{Error, Result},
};

/// Numbers that are kept of those who were met; more are looked up again.
const MOST_NUMBERS: usize = 50_000;

/// The events that are in no segment yet.
#[derive(Debug)]
pub(super) struct Tail {
    /// Those that came first in front.
    pub(super) blocks: Vec<Arc<TailBlock>>,
    /// Visitors and sessions met nowhere before: their numbers follow on those that were given, and
    /// hold for this snapshot only.
    pub(super) newcomers: [Texts; 2],
}

/// Some of them.
#[derive(Debug)]
pub(super) struct TailBlock {
    pub(super) parts: Parts,
    pub(super) events: usize,
    pub(super) last_seq: i64,
    pub(super) to: i64,
}

/// The tail, to which more can be added.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    blocks: Vec<Arc<TailBlock>>,
    /// Of the visitors and sessions met in it.
    numbers: [HashMap<Box<str>, u32, RandomState>; 2],
    newcomers: [Texts; 2],
}

impl TailBlock {
    /// Of all events of a builder; nothing where it has none.
    fn new(builder: &Builder, parts: Parts) -> Option<Self> {
        let last_seq = builder.seqs.iter().copied().max()?;
        let to = builder.times.iter().copied().max()?;
        Some(Self { parts, events: builder.len(), last_seq, to })
    }

    /// Its events of later commits than one, with visitors and sessions under other numbers.
    fn behind(&self, seq: i64, renumbered: &[(Kind, impl Fn(u32) -> u32)]) -> Option<Self> {
        if self.last_seq <= seq {
            return None;
        }
        let seqs = match self.parts.get(&Part::Seqs) {
            Some(Loaded::Numbers(seqs)) => seqs.as_slice(),
            _ => &[],
        };
        let rows: Vec<u32> = (0..).zip(seqs).filter(|(_, own)| **own > seq).map(|(row, _)| row).collect();
        let mut left = if rows.len() == self.events {
            Self { parts: self.parts.clone(), ..*self }
        } else {
            let mut builder = Builder::default();
            builder.append(&self.parts, Places::Some(&rows));
            Self::new(&builder, builder.build())?
        };
        for (kind, renumber) in renumbered {
            let Some(Loaded::Values(values)) = left.parts.get_mut(&Part::Column(kind.column())) else { continue };
            let mut codes = Vec::with_capacity(left.events);
            values.codes.read(Places::All { from: 0, to: left.events }, Translate::Same, &mut codes);
            codes.iter_mut().for_each(|code| *code = renumber(*code));
            *values = Values { codes: Codes::new(codes), texts: Texts::default() }.into();
        }
        Some(left)
    }

    /// The events of two, as one.
    fn and(&self, other: &Self) -> Option<Self> {
        let mut both = Builder::default();
        for block in [self, other] {
            both.append(&block.parts, Places::All { from: 0, to: block.events });
        }
        Self::new(&both, both.build())
    }
}

impl Gathered {
    /// How many events there are.
    pub(super) fn events(&self) -> usize {
        self.blocks.iter().map(|block| block.events).sum()
    }

    /// About how many bytes its events take.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.iter().flat_map(|block| block.parts.values()).map(Loaded::bytes).sum()
    }

    /// The numbers of the visitors and sessions of rows, by the codes of their builder.
    pub(super) async fn number(
        &mut self,
        db: &impl ConnectionTrait,
        head: &segment_head::Model,
        rows: &Builder,
    ) -> Result<[Vec<u32>; 2]> {
        let mut all = [vec![NONE], vec![NONE]];
        for kind in Kind::ALL {
            let (numbers, newcomers) = (&mut self.numbers[kind as usize], &mut self.newcomers[kind as usize]);
            let new: Vec<&str> = rows.texts(kind).filter(|text| !numbers.contains_key(*text)).collect();
            let known = numbers::of_texts(db, head.app_id, kind, &new).await?;
            for text in new {
                // What was given a number since is a newcomer here.
                let known = known.get(text).copied().filter(|number| i64::from(*number) <= given(head, kind));
                let number = known.unwrap_or_else(|| {
                    newcomers.push(text);
                    (given(head, kind) as usize + newcomers.len()) as u32
                });
                numbers.insert(text.into(), number);
            }
            all[kind as usize].extend(rows.texts(kind).map(|text| numbers.get(text).copied().unwrap_or(NONE)));
        }
        Ok(all)
    }

    /// The same with rows whose visitors and sessions were numbered.
    pub(super) async fn with(mut self, rows: Builder, numbers: [Vec<u32>; 2]) -> Result<Self> {
        if rows.len() == 0 {
            return Ok(self);
        }
        let add = move || {
            self.add(&rows, &numbers);
            self
        };
        task::spawn_blocking(add).await.map_err(Error::internal)
    }

    fn add(&mut self, rows: &Builder, numbers: &[Vec<u32>; 2]) {
        let mut parts = rows.build();
        for kind in Kind::ALL {
            number(&mut parts, kind, &numbers[kind as usize]);
        }
        self.blocks.extend(TailBlock::new(rows, parts).map(Arc::new));
        while let [.., before, last] = self.blocks.as_slice()
            && before.events <= 2 * last.events
            && let Some(both) = before.and(last)
        {
            self.blocks.truncate(self.blocks.len() - 2);
            self.blocks.push(Arc::new(both));
        }
    }

    /// Leaves out the events of the commits that have been sealed. Those who got numbers by it, `new`, have them from
    /// now on, and the other newcomers have those that follow.
    pub(super) fn seal(
        &mut self,
        before: &segment_head::Model,
        now: &segment_head::Model,
        new: &[(Kind, Vec<String>)],
    ) {
        let mut renumbered = Vec::new();
        for kind in Kind::ALL {
            let (first, free) = (given(before, kind) as u32, given(now, kind) as u32);
            let new = new.iter().filter(|(own, _)| *own == kind).flat_map(|(_, texts)| texts);
            let new: HashMap<&str, u32, RandomState> = new.map(String::as_str).zip(first + 1..).collect();
            let (mut table, mut newcomers) = (Vec::new(), Texts::default());
            for text in self.newcomers[kind as usize].iter() {
                table.push(new.get(text).copied().unwrap_or_else(|| {
                    newcomers.push(text);
                    free + newcomers.len() as u32
                }));
            }
            self.newcomers[kind as usize] = newcomers;
            let renumber = move |number: u32| match number.checked_sub(first + 1) {
                Some(place) => table.get(place as usize).copied().unwrap_or(NONE),
                None => number,
            };
            let numbers = &mut self.numbers[kind as usize];
            numbers.values_mut().for_each(|number| *number = renumber(*number));
            if numbers.len() > MOST_NUMBERS {
                numbers.retain(|_, number| *number > free);
            }
            renumbered.push((kind, renumber));
        }
        let left = self.blocks.iter().filter_map(|block| block.behind(now.sealed_seq, &renumbered));
        self.blocks = left.map(Arc::new).collect();
    }

    /// What questions see of it.
    pub(super) fn view(&self) -> Option<Tail> {
        (!self.blocks.is_empty()).then(|| Tail { blocks: self.blocks.clone(), newcomers: self.newcomers.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;

    #[test]
    fn blocks_stay_few_and_lose_nothing() {
        let mut gathered = Gathered::default();
        let mut expected = Vec::new();
        for at in 0..1_000_i64 {
            let mut rows = Builder::default();
            for own in 0..1 + at % 3 {
                let time = (at * 7_919 + own) % 1_000;
                rows.times.push(time);
                rows.ids.push(Uuid::from_u128((at * 10 + own) as u128));
                rows.seqs.push(at + 1);
                rows.core.iter_mut().for_each(|gathered| gathered.codes.push(NONE));
                rows.add_properties(&format!(r#"{{"n":{at}}}"#));
                expected.push((time, at + 1, at.to_string()));
            }
            gathered.add(&rows, &[vec![NONE], vec![NONE]]);
        }
        let tail = gathered.view().unwrap();
        assert!(tail.blocks.len() <= 12, "{} blocks", tail.blocks.len());
        let mut found = Vec::new();
        for block in &tail.blocks {
            let (Loaded::Numbers(times), Loaded::Numbers(seqs)) =
                (&block.parts[&Part::Times], &block.parts[&Part::Seqs])
            else {
                panic!("times and commits are numbers")
            };
            let Loaded::Values(values) = &block.parts[&Part::Column(crate::columnar::Column::Property("n".into()))]
            else {
                panic!("properties are values")
            };
            let mut codes = Vec::new();
            values.codes.read(Places::All { from: 0, to: block.events }, Translate::Same, &mut codes);
            assert!(times.is_sorted());
            assert_eq!((Some(&block.to), Some(&block.last_seq)), (times.iter().max(), seqs.iter().max()));
            let events = times.iter().zip(seqs.iter()).zip(codes);
            found.extend(events.map(|((time, seq), code)| (*time, *seq, values.texts.get(code).unwrap().to_owned())));
        }
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    /// The sessions of the tail's events by their times, as texts: of newcomers, or of those who had numbers.
    fn sessions(gathered: &Gathered, given: i64, known: &[&str]) -> Vec<(i64, String)> {
        let tail = gathered.view().unwrap();
        let mut found = Vec::new();
        for block in &tail.blocks {
            let (Loaded::Numbers(times), Loaded::Values(values)) =
                (&block.parts[&Part::Times], &block.parts[&Part::Column(Kind::Session.column())])
            else {
                panic!("times are numbers, and sessions are values")
            };
            found.extend(times.iter().enumerate().map(|(place, &time)| {
                let number = i64::from(values.codes.get(place));
                let text = if number > given {
                    tail.newcomers[1].get((number - given) as u32)
                } else {
                    known.get(number as usize - 1).copied()
                };
                (time, text.unwrap_or("nobody").to_owned())
            }));
        }
        found.sort();
        found
    }

    #[test]
    fn what_is_left_by_sealing_keeps_who_it_is_of() {
        let mut gathered = Gathered::default();
        let before = segment_head::Model { sessions: 2, sealed_seq: 0, ..segment_head::Model::default() };
        let now = segment_head::Model { sessions: 4, sealed_seq: 3, ..before.clone() };
        // Numbers 1 and 2 were given; "c" to "f" come one after the other, and "a" again and again.
        for (seq, session) in [(1, "a"), (2, "c"), (3, "d"), (4, "a"), (5, "e"), (6, "d"), (7, "f"), (8, "b")] {
            let mut rows = Builder::default();
            rows.times.push(seq * 10);
            rows.ids.push(Uuid::from_u128(seq as u128));
            rows.seqs.push(seq);
            rows.core.iter_mut().for_each(|column| column.codes.push(NONE));
            let number = match session {
                "a" => 1,
                "b" => 2,
                newcomer => *gathered.numbers[1].entry(newcomer.into()).or_insert_with(|| {
                    gathered.newcomers[1].push(newcomer);
                    2 + gathered.newcomers[1].len() as u32
                }),
            };
            rows.core[2].codes = vec![1];
            gathered.add(&rows, &[vec![NONE], vec![NONE, number]]);
        }
        let all = sessions(&gathered, before.sessions, &["a", "b"]);
        gathered.seal(&before, &now, &[(Kind::Session, vec!["d".to_owned(), "c".to_owned()])]);
        assert_eq!(sessions(&gathered, now.sessions, &["a", "b", "d", "c"]), all[3..]);
        assert_eq!(gathered.numbers[1]["d"], 3);
        assert_eq!(gathered.numbers[1]["e"], 5);
        assert_eq!(gathered.events(), 5);
        let end = segment_head::Model { sealed_seq: 8, sessions: 6, ..now.clone() };
        gathered.seal(&now, &end, &[(Kind::Session, vec!["e".to_owned(), "f".to_owned()])]);
        assert!(gathered.view().is_none() && gathered.newcomers[1].len() == 0);
        assert_eq!(gathered.numbers[1]["f"], 6);
    }
}
