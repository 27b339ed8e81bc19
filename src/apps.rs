//! Apps: created, renamed, deleted with all their data.
