//! Which values a column may hold, in about ten bits a value: a split-block Bloom filter.
//!
//! It says "no" only where a value does not occur, so whoever believes it leaves out nothing. Where a value
//! does not occur it says "perhaps" once in a hundred times.

use super::codec;
use crate::error::Result;

/// Bits for each different value.
const BITS: usize = 10;
/// Bytes of one block: a value sets eight bits in one of them.
const BLOCK: usize = 32;
/// Largest filter; a column with more values than it has room for gets none.
const MAX_BYTES: usize = 64 << 10;
/// A filter is kept where the column itself takes so many times its bytes.
const PAYS: usize = 2;
/// Odd numbers that tell the eight bits of a value apart: those of Parquet's filters.
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// The values of a column, approximately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Members(Vec<[u32; 8]>);

impl Members {
    /// A filter that says "perhaps" of everything: of a column that has none.
    pub(super) fn anything() -> Self {
        Self(Vec::new())
    }

    /// Of these different values of a column that takes so many bytes, where it pays.
    pub(super) fn of<'a>(values: impl ExactSizeIterator<Item = &'a [u8]>, column: usize) -> Option<Self> {
        let blocks = (values.len() * BITS).div_ceil(8 * BLOCK);
        if blocks == 0 || blocks * BLOCK > MAX_BYTES || blocks * BLOCK * PAYS > column {
            return None;
        }
        let mut members = Self(vec![[0; 8]; blocks]);
        for value in values {
            let (block, bits) = members.place(value);
            if let Some(block) = members.0.get_mut(block) {
                block.iter_mut().zip(bits).for_each(|(word, bit)| *word |= bit);
            }
        }
        Some(members)
    }

    /// Whether a value may occur.
    pub(super) fn may_hold(&self, value: &[u8]) -> bool {
        let (block, bits) = self.place(value);
        self.0.get(block).is_none_or(|block| block.iter().zip(bits).all(|(word, bit)| word & bit != 0))
    }

    /// The block of a value, and its bits there.
    fn place(&self, value: &[u8]) -> (usize, [u32; 8]) {
        let hash = hash(value);
        let block = ((hash >> 32) * self.0.len() as u64) >> 32;
        (block as usize, SALTS.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27)))
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len() * BLOCK
    }

    /// As it is stored.
    pub(super) fn write(&self) -> Vec<u8> {
        codec::framed(|out| out.extend(self.0.iter().flatten().flat_map(|word| word.to_le_bytes())))
    }

    /// What [`write`](Self::write) has written.
    pub(super) fn read(stored: &[u8]) -> Result<Self> {
        let body = codec::opened(stored)?;
        let words: Vec<u32> = body.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let (blocks, rest) = words.as_chunks::<8>();
        if rest.is_empty() && body.len() == blocks.len() * BLOCK {
            Ok(Self(blocks.to_vec()))
        } else {
            Err(codec::damaged())
        }
    }
}

/// FNV-1a with its bits mixed once more: what is stored depends on it, so it never changes.
fn hash(value: &[u8]) -> u64 {
    let hash = value
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(texts: &[String]) -> Option<Members> {
        Members::of(texts.iter().map(String::as_bytes), 1 << 20)
    }

    #[test]
    fn what_occurs_is_never_denied_and_what_does_not_mostly_is() {
        let texts: Vec<String> = (0..20_000).map(|n| format!("/products/{n}")).collect();
        let members = of(&texts).unwrap();
        assert!(members.bytes() <= 25_032, "{}", members.bytes());
        assert_eq!(Members::read(&members.write()).unwrap(), members);
        assert!(texts.iter().all(|text| members.may_hold(text.as_bytes())));
        let wrong = (20_000..40_000).filter(|n| members.may_hold(format!("/products/{n}").as_bytes())).count();
        assert!(wrong < 400, "{wrong} of 20,000");
        let numbers: Vec<[u8; 4]> = (0..5_000_u32).map(|n| (n * 3).to_le_bytes()).collect();
        let members = Members::of(numbers.iter().map(<[u8; 4]>::as_slice), 1 << 20).unwrap();
        assert!(numbers.iter().all(|number| members.may_hold(number)));
        let wrong = (0..5_000_u32).filter(|n| members.may_hold(&(n * 3 + 1).to_le_bytes())).count();
        assert!(wrong < 150, "{wrong} of 5,000");
    }

    #[test]
    fn what_is_too_much_or_too_little_has_no_filter_and_damage_is_seen() {
        let texts: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
        assert_eq!((of(&texts), of(&[])), (None, None));
        assert_eq!(Members::of(texts[..100].iter().map(String::as_bytes), 255), None);
        assert!(Members::anything().may_hold(b"x"));
        let mut stored = of(&texts[..100]).unwrap().write();
        stored[7] ^= 1;
        assert!(Members::read(&stored).is_err());
        assert!(Members::read(&codec::framed(|out| out.extend([0; 31]))).is_err());
    }
}
