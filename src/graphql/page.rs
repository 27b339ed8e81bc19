//! Pages of long lists, the same way everywhere: `first` of them, `after` a cursor.
//!
//! A cursor is base64url of JSON and means nothing to clients. It is bound to the list it came
//! from by a digest of what was asked, and so can only continue that list. It carries no right:
//! whoever makes one up merely starts somewhere else in what they may see anyway.

use async_graphql::{
    OutputType, SimpleObject,
    connection::{Connection, CursorType, Edge, EmptyFields},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    analytics::BigInt,
    error::{Error, Result},
};

/// The largest page.
pub const MAX_FIRST: i32 = 100;

/// Points of a list: what each of its items costs, as often as asked for.
pub fn cost(first: i32, each: usize) -> usize {
    1 + each * usize::try_from(first.clamp(1, MAX_FIRST)).unwrap_or(1)
}

/// What to say of a cursor that is not ours, or not of this list.
pub const FOREIGN_CURSOR: &str = "after must be a cursor that this very list returned.";

/// Bytes of the longest cursor we would ever write.
const MAX_CURSOR_BYTES: usize = 2_048;

/// Where an edge stands in its list, as clients carry it around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl CursorType for Cursor {
    type Error = std::convert::Infallible;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        Ok(Self(text.to_owned()))
    }

    fn encode_cursor(&self) -> String {
        self.0.clone()
    }
}

/// A page of `N`, without a count.
pub type Page<N> = Connection<Cursor, N>;

/// A page of `N` in a list whose length is known.
pub type CountedPage<N> = Connection<Cursor, N, TotalCount>;

/// The length of a list.
#[derive(SimpleObject)]
#[graphql(fake)]
pub struct TotalCount {
    /// How many there are on all pages together.
    pub total_count: BigInt,
}

/// What a client asked of a list, checked. `K` is the position of an item in it.
#[derive(Debug)]
pub struct Paginator<K> {
    first: usize,
    after: Option<K>,
    list: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed<K> {
    /// Format.
    v: u8,
    /// Digest of the list.
    of: String,
    /// Position in it.
    at: K,
}

impl<K: Serialize + DeserializeOwned> Paginator<K> {
    /// Checks the arguments `first` and `after` of a list. `list` is whatever tells one list from
    /// another, such as its name, its owner and its filter; cursors of other lists are refused.
    pub fn new(list: impl Serialize, first: i32, after: Option<String>) -> Result<Self> {
        if !(1..=MAX_FIRST).contains(&first) {
            return Err(Error::invalid("first", format!("first must be from 1 to {MAX_FIRST}.")));
        }
        let list = digest(&list)?;
        let after = after.map(|text| open(&text, &list)).transpose()?;
        Ok(Self { first: first as usize, after, list })
    }

    /// How many to show.
    pub fn first(&self) -> usize {
        self.first
    }

    /// Behind which position to start.
    pub fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// The page of `items`; `more` says whether others follow.
    pub fn page<N: OutputType>(&self, items: Vec<(K, N)>, more: bool) -> Result<Page<N>> {
        let mut page = Connection::new(self.after.is_some(), more);
        self.fill(&mut page.edges, items)?;
        Ok(page)
    }

    /// The same, of a list whose length is known.
    pub fn counted<N: OutputType>(&self, items: Vec<(K, N)>, more: bool, total: BigInt) -> Result<CountedPage<N>> {
        let fields = TotalCount { total_count: total };
        let mut page = Connection::with_additional_fields(self.after.is_some(), more, fields);
        self.fill(&mut page.edges, items)?;
        Ok(page)
    }

    /// The page of `rows` that were read with a limit of [`first`](Self::first) and one more, which
    /// tells whether others follow.
    pub fn probed<R, N: OutputType>(
        &self,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> K,
        node: impl Fn(R) -> N,
    ) -> Result<Page<N>> {
        let more = rows.len() > self.first;
        rows.truncate(self.first);
        self.page(rows.into_iter().map(|row| (position(&row), node(row))).collect(), more)
    }

    fn fill<N: OutputType>(&self, edges: &mut Vec<Edge<Cursor, N, EmptyFields>>, items: Vec<(K, N)>) -> Result<()> {
        for (at, node) in items.into_iter().take(self.first) {
            edges.push(Edge::new(self.seal(at)?, node));
        }
        Ok(())
    }

    fn seal(&self, at: K) -> Result<Cursor> {
        let sealed = Sealed { v: 1, of: self.list.clone(), at };
        Ok(Cursor(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sealed).map_err(Error::internal)?)))
    }
}

fn open<K: DeserializeOwned>(text: &str, list: &str) -> Result<K> {
    let unknown = || Error::invalid("after", FOREIGN_CURSOR);
    if text.len() > MAX_CURSOR_BYTES {
        return Err(unknown());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unknown())?;
    let sealed: Sealed<K> = serde_json::from_slice(&bytes).map_err(|_| unknown())?;
    if sealed.v == 1 && sealed.of == list { Ok(sealed.at) } else { Err(unknown()) }
}

fn digest(list: &impl Serialize) -> Result<String> {
    let text = serde_json::to_vec(list).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..9]))
}
