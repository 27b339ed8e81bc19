//! Routers merged, layers in order, listening, and draining.
