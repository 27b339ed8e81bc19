//! Reports against naive models.
