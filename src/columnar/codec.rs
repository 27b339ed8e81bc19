//! Columns as bytes and back.
//!
//! ```text
//! column    version(1) body crc32(4, of all before)
//! integers  how(1) width(1) ...
//!           0: bit-packed, least significant first   1: whole bytes, zstd behind their length(4)
//! times     first(8) integers of the differences
//! numbers   least(8) integers above it
//! ids       0 and 16 bytes each, or 1, the differences of UUIDv7 times to the events' and 10 bytes each
//! values    texts(4) integers of their lengths, their bytes behind how(1) and length(4), then numbers
//! ```
//! All numbers are little-endian. How integers are written is chosen by what takes less room; packed
//! ones are preferred because they are read faster.

use uuid::Uuid;

use super::values::{Codes, Texts, Values};
use crate::error::{Error, Result};

/// Rises when the layout changes.
const VERSION: u8 = 1;
const PACKED: u8 = 0;
const COMPRESSED: u8 = 1;
/// Wider numbers are never packed: one is read out of eight bytes.
const MAX_PACKED_WIDTH: u32 = 56;
const LEVEL: i32 = 3;
/// Room behind packed numbers, so that the last can be read as eight bytes.
const PADDING: usize = 8;

/// The body with its version before and its checksum behind.
pub(super) fn framed(body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![VERSION];
    body(&mut out);
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// What is said of a column that was changed since it was written.
pub(super) fn damaged() -> Error {
    Error::internal("a column of a segment is damaged")
}

/// The body of what [`framed`] has made.
pub(super) fn opened(column: &[u8]) -> Result<&[u8]> {
    Ok(Input::open(column)?.0)
}

/// What is left to read of a column.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn open(column: &'a [u8]) -> Result<Self> {
        let (body, sum) = column.split_last_chunk::<4>().ok_or_else(damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(damaged());
        }
        match body.split_first() {
            Some((&VERSION, body)) => Ok(Self(body)),
            _ => Err(Error::internal("a segment was written by a newer version of the server")),
        }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| damaged())
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn length(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn long(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(super) fn bytes(&mut self, len: usize) -> Result<Vec<u8>> {
        match self.byte()? {
            PACKED => Ok(self.take(len)?.to_vec()),
            _ => {
                let packed = self.length()?;
                inflated(self.take(packed)?, len)
            }
        }
    }

    fn integers<T>(&mut self, count: usize, read: impl Fn(u64) -> T) -> Result<Vec<T>> {
        let (how, width) = (self.byte()?, u32::from(self.byte()?));
        if how == COMPRESSED {
            let (width, packed) = (width as usize, self.length()?);
            if width == 0 || width > 8 {
                return Err(damaged());
            }
            let bytes = inflated(self.take(packed)?, count * width)?;
            let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
            return Ok(match width {
                1 => bytes.iter().map(|&byte| read(byte.into())).collect(),
                2 => bytes.as_chunks::<2>().0.iter().map(|two| read(u16::from_le_bytes(*two).into())).collect(),
                4 => bytes.as_chunks::<4>().0.iter().map(|four| read(u32::from_le_bytes(*four).into())).collect(),
                _ => bytes.chunks_exact(width).map(|bytes| read(number(bytes))).collect(),
            });
        }
        if width > MAX_PACKED_WIDTH {
            return Err(damaged());
        }
        let packed = self.take((count * width as usize).div_ceil(8) + PADDING)?;
        let mask = (1_u64 << width) - 1;
        let number = |place: usize| {
            let bit = place * width as usize;
            let bytes = packed.get(bit / 8..bit / 8 + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes) >> (bit % 8) & mask
        };
        Ok((0..count).map(|place| read(number(place))).collect())
    }
}

/// What a frame holds, if it holds so many bytes. It says how many before room is made for them.
fn inflated(frame: &[u8], len: usize) -> Result<Vec<u8>> {
    if len > u32::MAX as usize || zstd::bulk::Decompressor::upper_bound(frame) != Some(len) {
        return Err(damaged());
    }
    let bytes = zstd::bulk::decompress(frame, len).map_err(|_| damaged())?;
    if bytes.len() == len { Ok(bytes) } else { Err(damaged()) }
}

pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    match zstd::bulk::compress(bytes, LEVEL) {
        Ok(packed) if packed.len() + 4 < bytes.len() => {
            out.push(COMPRESSED);
            out.extend((packed.len() as u32).to_le_bytes());
            out.extend(packed);
        }
        _ => {
            out.push(PACKED);
            out.extend(bytes);
        }
    }
}

fn write_integers(numbers: &[u64], out: &mut Vec<u8>) {
    let most = numbers.iter().copied().max().unwrap_or_default();
    let bits = u64::BITS - most.leading_zeros();
    let packed = (numbers.len() * bits as usize).div_ceil(8) + PADDING;
    let width = bits.div_ceil(8).max(1).next_power_of_two() as usize;
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().take(width)).collect();
    let compressed = if bits == 0 { None } else { zstd::bulk::compress(&bytes, LEVEL).ok() };
    let worth = |compressed: &Vec<u8>| bits > MAX_PACKED_WIDTH || compressed.len() < packed / 8 * 7;
    match compressed.filter(worth) {
        Some(compressed) => {
            out.extend([COMPRESSED, width as u8]);
            out.extend((compressed.len() as u32).to_le_bytes());
            out.extend(compressed);
        }
        None => {
            out.extend([PACKED, bits as u8]);
            pack(numbers, bits, out);
        }
    }
}

fn pack(numbers: &[u64], width: u32, out: &mut Vec<u8>) {
    let (mut word, mut filled) = (0_u128, 0);
    for &number in numbers {
        word |= u128::from(number) << filled;
        filled += width;
        while filled >= 8 {
            out.push(word as u8);
            word >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(word as u8);
    }
    out.extend([0; PADDING]);
}

/// Rising times.
pub(super) fn write_times(times: &[i64]) -> Vec<u8> {
    framed(|out| {
        out.extend(times.first().copied().unwrap_or_default().to_le_bytes());
        let steps = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) as u64);
        write_integers(&steps.collect::<Vec<_>>(), out);
    })
}

/// [`write_times`] back, of so many events.
pub(super) fn read_times(column: &[u8], events: usize) -> Result<Vec<i64>> {
    let mut input = Input::open(column)?;
    let first = input.long()?;
    let mut times = input.integers(events.saturating_sub(1), |step| step as i64)?;
    let mut at = first;
    for time in &mut times {
        at = at.wrapping_add(*time);
        *time = at;
    }
    if events > 0 {
        times.insert(0, first);
    }
    Ok(times)
}

/// Numbers in any order.
pub(super) fn write_numbers(numbers: &[i64]) -> Vec<u8> {
    framed(|out| numbers_into(numbers, out))
}

fn numbers_into(numbers: &[i64], out: &mut Vec<u8>) {
    let least = numbers.iter().copied().min().unwrap_or_default();
    out.extend(least.to_le_bytes());
    write_integers(&numbers.iter().map(|number| number.wrapping_sub(least) as u64).collect::<Vec<_>>(), out);
}

/// [`write_numbers`] back.
pub(super) fn read_numbers(column: &[u8], events: usize) -> Result<Vec<i64>> {
    let mut input = Input::open(column)?;
    let least = input.long()?;
    input.integers(events, |number| least.wrapping_add(number as i64))
}

/// Ids of events at these times.
pub(super) fn write_ids(ids: &[Uuid], times: &[i64]) -> Vec<u8> {
    let own: Option<Vec<u64>> =
        ids.iter().zip(times).map(|(id, at)| time_of(*id).map(|own| zigzag(own.wrapping_sub(*at)))).collect();
    framed(|out| match own {
        Some(own) => {
            out.push(COMPRESSED);
            write_integers(&own, out);
            write_bytes(&ids.iter().flat_map(|id| id.as_bytes()[6..].to_vec()).collect::<Vec<_>>(), out);
        }
        None => {
            out.push(PACKED);
            write_bytes(&ids.iter().flat_map(|id| *id.as_bytes()).collect::<Vec<_>>(), out);
        }
    })
}

/// [`write_ids`] back.
pub(super) fn read_ids(column: &[u8], times: &[i64]) -> Result<Vec<Uuid>> {
    let mut input = Input::open(column)?;
    if input.byte()? == PACKED {
        let bytes = input.bytes(times.len() * 16)?;
        return Ok(bytes.as_chunks::<16>().0.iter().map(|bytes| Uuid::from_bytes(*bytes)).collect());
    }
    let own = input.integers(times.len(), unzigzag)?;
    let rest = input.bytes(times.len() * 10)?;
    let id = |((own, at), rest): ((i64, &i64), &[u8; 10])| {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&own.wrapping_add(*at).to_be_bytes()[2..]);
        id[6..].copy_from_slice(rest);
        Uuid::from_bytes(id)
    };
    Ok(own.into_iter().zip(times).zip(rest.as_chunks::<10>().0).map(id).collect())
}

/// The milliseconds in a UUID that begins with them.
fn time_of(id: Uuid) -> Option<i64> {
    let [a, b, c, d, e, f, ..] = *id.as_bytes();
    (id.get_version_num() == 7).then(|| i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// A column of values.
pub(super) fn write_values(values: &Values, events: usize) -> Vec<u8> {
    framed(|out| {
        out.extend((values.texts.len() as u32).to_le_bytes());
        write_integers(&values.texts.iter().map(|text| text.len() as u64).collect::<Vec<_>>(), out);
        write_bytes(values.texts.text.as_bytes(), out);
        let codes: Vec<i64> = (0..events).map(|place| values.codes.get(place).into()).collect();
        numbers_into(&codes, out);
    })
}

/// [`write_values`] back.
pub(super) fn read_values(column: &[u8], events: usize) -> Result<Values> {
    let mut input = Input::open(column)?;
    let count = input.length()?;
    // Texts differ, so one at most is empty. Numbers without any width take no room however many there are.
    if count > 1 && input.0.starts_with(&[PACKED, 0]) {
        return Err(damaged());
    }
    let mut end = 0_u32;
    let mut ends = input.integers(count, |len| len as u32)?;
    for len in &mut ends {
        end = end.checked_add(*len).ok_or_else(damaged)?;
        *len = end;
    }
    let text = String::from_utf8(input.bytes(end as usize)?).map_err(|_| damaged())?;
    let least = input.long()?;
    let codes = Codes::new(input.integers(events, |code| least.wrapping_add(code as i64) as u32)?);
    if count > 0 && codes.range().is_some_and(|(_, most)| most as usize > count) {
        return Err(damaged());
    }
    Ok(Values { codes, texts: Texts { text, ends } })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = Vec<String>> {
        prop::collection::btree_set("[a-zé]{0,12}", 0..40).prop_map(|texts| texts.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            mut times in prop::collection::vec(-5_000_000_000_000_i64..5_000_000_000_000, 0..300),
            numbers in prop::collection::vec(any::<i64>(), 0..300),
            narrow in prop::collection::vec(0_u32..70_000, 1..300),
            texts in texts(),
            flip in any::<prop::sample::Index>(),
        ) {
            times.sort_unstable();
            prop_assert_eq!(&read_times(&write_times(&times), times.len()).unwrap(), &times);
            prop_assert_eq!(&read_numbers(&write_numbers(&numbers), numbers.len()).unwrap(), &numbers);
            let ids: Vec<Uuid> = times.iter().map(|&at| Uuid::from_u64_pair((at as u64) << 16 | 0x7abc, at as u64)).collect();
            prop_assert_eq!(&read_ids(&write_ids(&ids, &times), &times).unwrap(), &ids);
            let others: Vec<Uuid> = times.iter().map(|&at| Uuid::from_u128(at as u128)).collect();
            prop_assert_eq!(&read_ids(&write_ids(&others, &times), &times).unwrap(), &others);
            let mut dictionary = Texts::default();
            texts.iter().for_each(|text| dictionary.push(text));
            // Numbers have no texts; all other codes stand for one, or for nothing.
            let texts = texts.len() as u32;
            let narrow: Vec<u32> =
                narrow.into_iter().map(|code| if texts == 0 { code } else { code % (texts + 1) }).collect();
            let values = Values { codes: Codes::new(narrow.clone()), texts: dictionary };
            let mut written = write_values(&values, narrow.len());
            prop_assert_eq!(&read_values(&written, narrow.len()).unwrap(), &values);
            let place = flip.index(written.len());
            written[place] ^= 0x10;
            prop_assert!(read_values(&written, narrow.len()).is_err());
            prop_assert!(read_values(&written[..place], narrow.len()).is_err());
        }

        /// Though its checksum fits: nothing panics, and nothing is made that is larger than was asked for.
        #[test]
        fn what_is_damaged_is_refused(
            codes in prop::collection::vec(0_u32..300, 1..100),
            texts in texts(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut dictionary = Texts::default();
            texts.iter().for_each(|text| dictionary.push(text));
            let numbers: Vec<i64> = codes.iter().map(|&code| i64::from(code) * 7_919).collect();
            let values = Values { codes: Codes::new(codes.clone()), texts: dictionary };
            for written in [write_values(&values, codes.len()), write_times(&numbers), write_numbers(&numbers)] {
                let mut body = opened(&written).unwrap().to_vec();
                edits.iter().for_each(|(place, byte)| { let place = place.index(body.len()); body[place] = *byte; });
                body.truncate(cut.map_or(body.len(), |cut| cut.index(body.len())));
                let written = framed(|out| out.extend(body));
                prop_assert!(read_times(&written, codes.len()).map_or(true, |read| read.len() == codes.len()));
                prop_assert!(read_numbers(&written, codes.len()).map_or(true, |read| read.len() == codes.len()));
                let _ = read_ids(&written, &numbers);
                let _ = read_values(&written, codes.len());
            }
        }
    }
}
