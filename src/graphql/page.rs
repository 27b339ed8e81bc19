//! Pages of long lists, the same way everywhere: `first` of them, `after` a cursor.
//!
//! A cursor is base64url of JSON and means nothing to clients. It is bound to the list it came
//! from by a digest of what was asked, and so can only continue that list. It carries no right:
//! whoever makes one up merely starts somewhere else in what they may see anyway.

use std::borrow::Cow;

use async_graphql::{
    Description, Object, OutputType, TypeName,
    connection::{Edge, EmptyFields, PageInfo},
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

/// Checks the argument `first`.
pub fn checked_first(first: i32) -> Result<usize> {
    if (1..=MAX_FIRST).contains(&first) {
        return Ok(first as usize);
    }
    Err(Error::invalid("first", format!("first must be from 1 to {MAX_FIRST}.")))
}

/// What to say of a cursor that is not ours, or not of this list.
pub const FOREIGN_CURSOR: &str = "after must be a cursor that this very list returned.";

/// Bytes of the longest cursor we would ever write.
const MAX_CURSOR_BYTES: usize = 16 * 1024;

/// A page of a list. Ask for the next one with `after` and the `endCursor` of its `pageInfo`, while
/// that says `hasNextPage`.
#[derive(Description)]
pub struct Page<N: OutputType> {
    edges: Vec<Edge<String, N, EmptyFields>>,
    has_previous: bool,
    has_next: bool,
}

/// A page of a list whose length is known. Ask for the next one with `after` and the `endCursor` of
/// its `pageInfo`, while that says `hasNextPage`.
#[derive(Description)]
pub struct CountedPage<N: OutputType> {
    page: Page<N>,
    total: BigInt,
}

impl<N: OutputType> Page<N> {
    /// A page of a list that holds nothing.
    pub fn empty() -> Self {
        Self { edges: Vec::new(), has_previous: false, has_next: false }
    }

    fn info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }
}

impl<N: OutputType> TypeName for Page<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

impl<N: OutputType> TypeName for CountedPage<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

#[Object(name_type, use_type_description)]
impl<N: OutputType> Page<N> {
    /// The items, each with its cursor.
    async fn edges(&self) -> &[Edge<String, N, EmptyFields>] {
        &self.edges
    }

    /// The items alone.
    async fn nodes(&self) -> Vec<&N> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Where the page stands in its list.
    async fn page_info(&self) -> PageInfo {
        self.info()
    }
}

#[Object(name_type, use_type_description)]
impl<N: OutputType> CountedPage<N> {
    /// The items, each with its cursor.
    async fn edges(&self) -> &[Edge<String, N, EmptyFields>] {
        &self.page.edges
    }

    /// The items alone.
    async fn nodes(&self) -> Vec<&N> {
        self.page.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Where the page stands in its list.
    async fn page_info(&self) -> PageInfo {
        self.page.info()
    }

    /// How many items there are on all pages together.
    async fn total_count(&self) -> BigInt {
        self.total
    }
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
        let (first, list) = (checked_first(first)?, digest(&list)?);
        let after = after.map(|text| open(&text, &list)).transpose()?;
        Ok(Self { first, after, list })
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
        let edges = items.into_iter().map(|(at, node)| Ok(Edge::new(self.seal(at)?, node)));
        Ok(Page { edges: edges.collect::<Result<_>>()?, has_previous: self.after.is_some(), has_next: more })
    }

    /// The same, of a list whose length is known.
    pub fn counted<N: OutputType>(&self, items: Vec<(K, N)>, more: bool, total: BigInt) -> Result<CountedPage<N>> {
        Ok(CountedPage { page: self.page(items, more)?, total })
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

    fn seal(&self, at: K) -> Result<String> {
        let sealed = Sealed { v: 1, of: self.list.clone(), at };
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sealed).map_err(Error::internal)?))
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
