//! Input that was bent until it fits nothing: no parser panics, and none takes long.
//!
//! Each target runs for a second, or for as many as `FUZZ_SECONDS` says (`make fuzz`). What fails is told
//! in its smallest form.

mod questions;
mod wire;

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{TestError, TestRunner},
};

/// How long any input may take, on a machine that does other things as well.
const LONGEST: Duration = Duration::from_secs(5);

/// Plays inputs until the time is over.
fn fuzz<S: Strategy>(inputs: &S, check: impl Fn(S::Value))
where
    S::Value: Debug,
{
    let seconds = std::env::var("FUZZ_SECONDS").map_or(1, |seconds| seconds.parse().expect("whole seconds"));
    let until = Instant::now() + Duration::from_secs(seconds);
    let config = ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let mut count = 0;
    while Instant::now() < until || count == 0 {
        let played = runner.run(inputs, |input| {
            let start = Instant::now();
            check(input);
            prop_assert!(start.elapsed() < LONGEST, "it took {:?}", start.elapsed());
            Ok(())
        });
        if let Err(failure) = played {
            match failure {
                TestError::Fail(why, input) => panic!("{why}: {input:?}"),
                TestError::Abort(why) => panic!("{why}"),
            }
        }
        count += 1;
    }
}

/// A change of a text.
#[derive(Debug, Clone)]
enum Edit {
    Delete(Index, Index),
    Repeat(Index, Index),
    Insert(Index, &'static str, usize),
    Byte(Index, u8),
    Cut(Index),
}

/// One of these texts, changed in some places. What is inserted is one of the words, up to so many times.
fn bent(seeds: Vec<String>, words: &'static [&'static str], times: usize) -> impl Strategy<Value = Vec<u8>> {
    let place = any::<Index>;
    let edit = prop_oneof![
        (place(), place()).prop_map(|(from, to)| Edit::Delete(from, to)),
        (place(), place()).prop_map(|(from, to)| Edit::Repeat(from, to)),
        (place(), select(words), prop_oneof![9 => Just(1), 1 => 1..times])
            .prop_map(|(at, word, times)| Edit::Insert(at, word, times)),
        (place(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
        place().prop_map(Edit::Cut),
    ];
    (select(seeds), prop::collection::vec(edit, 0..6)).prop_map(|(seed, edits)| {
        let mut bytes = seed.into_bytes();
        for edit in edits {
            edit.apply(&mut bytes);
        }
        bytes
    })
}

/// No text grows beyond this by being repeated.
const MOST: usize = 100_000;

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |place: &Index| place.index(bytes.len() + 1);
        let span = |from: &Index, to: &Index| at(from).min(at(to))..at(from).max(at(to));
        match self {
            Self::Delete(from, to) => drop(bytes.drain(span(from, to))),
            Self::Repeat(from, to) => {
                let span = span(from, to);
                let again = bytes[span.clone()].to_vec();
                if bytes.len() + again.len() <= MOST {
                    bytes.splice(span.end..span.end, again);
                }
            }
            Self::Insert(place, word, times) => {
                let place = at(place);
                bytes.splice(place..place, word.repeat(*times).into_bytes());
            }
            Self::Byte(place, byte) if !bytes.is_empty() => {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            Self::Byte(..) => {}
            Self::Cut(place) => bytes.truncate(at(place)),
        }
    }
}
