//! Small segments into one.
//!
//! Neighbours are merged under the same rule as rows are sealed ([`seal`](super::seal)). What an event is merged
//! into is at least twice as large as what it was in, or takes the place of a dozen segments, so that events are
//! written anew a few times, however many segments follow.

use std::{ops::Range, sync::Arc};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::task;
use uuid::Uuid;

use super::{
    Columnar,
    build::Builder,
    header::{self, Segment},
    seal::Replaced,
    snapshot::heads,
    values::Places,
};
use crate::{
    entity::event_segment,
    error::{Error, Result},
};

/// A segment does not grow beyond so many events by merging,
const FULL: i64 = 300_000;
/// nor beyond so many decoded bytes.
const FULL_BYTES: usize = 256 << 20;
/// So many neighbours of one size are merged;
const FAN: usize = 4;
/// more of them where smaller ones lie between, and so many in any case.
const WIDEST: usize = 12;
/// Runs whose bytes are looked at in one attempt.
const RUNS: usize = 16;

impl Columnar {
    /// Merges the first neighbours of one size; whether there were any.
    pub async fn merge(&self, app: Uuid) -> Result<bool> {
        let mut alone = self.sealing.lock().await;
        let (_, head) = heads(&*self.db, app).await?;
        let Some(segments) = self.to_be_merged(app).await? else { return Ok(false) };
        let mut all = Vec::new();
        for segment in &segments {
            let Some(parts) = self.load_whole(app, segment).await? else { return Ok(false) };
            all.push((parts, segment.events));
        }
        let id = head.next_segment;
        let encode = move || {
            let mut builder = Builder::default();
            for (parts, events) in all {
                builder.append(&parts, Places::All { from: 0, to: events });
            }
            header::encode(&builder.build(), id, builder.len())
        };
        let segment = task::spawn_blocking(encode).await.map_err(Error::internal)?;
        let lately = alone.take(&head);
        let ids: Vec<i64> = segments.iter().map(|segment| segment.id).collect();
        let merged = self.replace(&head, head.clone(), &ids, segment, Vec::new()).await? == Replaced::Done;
        if merged {
            alone.keep(&head, lately);
        }
        Ok(merged)
    }

    /// The first neighbours that are of one size and fit into memory together.
    async fn to_be_merged(&self, app: Uuid) -> Result<Option<Vec<Arc<Segment>>>> {
        use event_segment::Column as C;
        let own = event_segment::Entity::find().filter(C::AppId.eq(app)).order_by_asc(C::FirstSeq);
        let sizes = own.clone().select_only().columns([C::Id, C::Events]).into_tuple::<(i64, i64)>();
        let (ids, sizes): (Vec<i64>, Vec<i64>) = sizes.all(&*self.db).await?.into_iter().unzip();
        for run in runs(&sizes).take(RUNS) {
            let ids = ids.get(run).unwrap_or_default().iter().copied();
            let rows = own.clone().filter(C::Id.is_in(ids)).all(&*self.db).await?;
            let segments: Vec<Arc<Segment>> =
                rows.into_iter().map(|row| Ok(Arc::new(Segment::of(row)?))).collect::<Result<_>>()?;
            if segments.iter().map(|segment| segment.all_decoded_bytes()).sum::<usize>() <= FULL_BYTES {
                return Ok(Some(segments));
            }
        }
        Ok(None)
    }
}

/// Neighbours that can be merged, by the numbers of their events. First those of which none is greater than the
/// first in size, a size being within a factor of [`FAN`], and which together are at least twice as many as any of
/// them: the fewest first. Then fewer that will never be more, because larger ones enclose them; then whatever has
/// come to be many.
fn runs(sizes: &[i64]) -> impl Iterator<Item = Range<usize>> {
    let class = |events: i64| Ord::max(events, 1).ilog(FAN as i64);
    let is_even = move |run: &[i64], largest: i64| 2 * largest <= run.iter().sum();
    let of_size = move |_: usize, run: &[i64], largest: i64| {
        // A smaller one between larger ones goes along.
        is_even(run, largest) && run.first().is_some_and(|first| class(largest) <= class(*first))
    };
    let enclosed = move |from: usize, run: &[i64], largest: i64| {
        let is_larger = |place: usize| sizes.get(place).is_some_and(|other| class(*other) > class(largest));
        is_even(run, largest) && (from == 0 || is_larger(from - 1)) && is_larger(from + run.len())
    };
    let of_size = (FAN..=WIDEST).flat_map(move |length| windows(sizes, length, of_size));
    let enclosed = (2..FAN).flat_map(move |length| windows(sizes, length, enclosed));
    of_size.chain(enclosed).chain(windows(sizes, WIDEST, |_, _, _| true))
}

/// So many neighbours that are not too many events, and that are wanted: by where they begin, how many they are
/// and how many the largest is.
fn windows(
    sizes: &[i64],
    length: usize,
    are_wanted: impl Fn(usize, &[i64], i64) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    sizes.windows(length).enumerate().filter_map(move |(from, run)| {
        let largest = *run.iter().max()?;
        let fits = run.iter().sum::<i64>() <= FULL;
        (fits && are_wanted(from, run, largest)).then_some(from..from + length)
    })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    /// Seals so many times and merges once after each; the segments, and how many events were written anew.
    fn seal(times: usize, size: impl Fn(usize) -> i64) -> (Vec<i64>, i64) {
        let (mut segments, mut written) = (Vec::new(), 0);
        for time in 0..times {
            segments.push(size(time));
            let run = runs(&segments).next();
            if let Some(run) = run {
                let total = segments[run.clone()].iter().sum();
                segments.splice(run, [total]);
                written += total;
            }
        }
        (segments, written)
    }

    #[test]
    fn an_event_is_written_anew_a_few_times_however_often_is_sealed() {
        let mut random = StdRng::seed_from_u64(1);
        let sizes: Vec<i64> = (0..1_000).map(|_| 1 << random.random_range(0..15)).collect();
        let ways: [(usize, &dyn Fn(usize) -> i64); 5] = [
            (10_000, &|_| 100),
            (10_000, &|time| if time == 0 { 150_000 } else { 1 }),
            (1_000, &|_| 40_000),
            (1_000, &|time| sizes[time]),
            (1_000, &|time| if time % 4 == 0 { 150_000 } else { 100 }),
        ];
        for (way, (times, size)) in ways.into_iter().enumerate() {
            let (segments, written) = seal(times, size);
            let events: i64 = (0..times).map(size).sum();
            assert_eq!(segments.iter().sum::<i64>(), events);
            assert!(written <= 9 * events, "{way}: each event is written anew {} times", written / events);
            let least = events / FULL + 1;
            assert!(segments.len() as i64 <= 4 * least + 40, "{way}: {} segments of {events} events", segments.len());
        }
    }

    #[test]
    fn a_large_segment_waits_for_as_much_as_it_holds() {
        assert_eq!(runs(&[150_000, 100, 100, 100]).next(), None);
        assert_eq!(runs(&[150_000, 100, 100, 100, 100]).next(), Some(1..5));
        assert_eq!(runs(&[400, 10, 400, 10]).next(), Some(0..4));
        assert_eq!(runs(&[1_000, 40, 40, 40, 1_000]).next(), Some(0..5));
        assert_eq!(runs(&[FULL, FULL, 1, 1, 1]).next(), None);
        assert_eq!(runs(&[FULL, 1, 1, 1, FULL]).next(), Some(1..4));
        assert_eq!(runs(&[FULL, 5, 1, FULL]).next(), None);
    }
}
