//! The rows that are in no segment yet, as columns.
//!
//! Rows that are new become a block of their own, and neighbours of about one size are put together. So what
//! it costs to ask again and again while events arrive depends on what came since, and not on all that waits
//! to be sealed.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use sea_orm::ConnectionTrait;

use super::{
    NONE,
    build::Builder,
    numbers::{self, Kind},
    part::{Loaded, Parts},
    snapshot::{given, number},
    values::{Places, Texts},
};
use crate::{entity::segment_head, error::Result};

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
                let number = known.get(text).copied().unwrap_or_else(|| {
                    newcomers.push(text);
                    (given(head, kind) as usize + newcomers.len()) as u32
                });
                numbers.insert(text.into(), number);
            }
            all[kind as usize].extend(rows.texts(kind).map(|text| numbers.get(text).copied().unwrap_or(NONE)));
        }
        Ok(all)
    }

    /// Adds rows whose visitors and sessions were numbered.
    pub(super) fn add(&mut self, rows: &Builder, numbers: &[Vec<u32>; 2]) {
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
    use crate::columnar::{part::Part, values::Translate};

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
}
