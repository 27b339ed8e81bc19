//! A table for people, then a line of JSON a figure.

use serde_json::json;

use super::load::Outcome;

pub(super) struct Figure {
    id: &'static str,
    what: &'static str,
    value: f64,
    unit: &'static str,
    /// The 50th, 95th and 99th percentile.
    percentiles_ms: Option<[f64; 3]>,
    baseline: Option<(&'static str, f64)>,
}

impl Figure {
    pub(super) fn plain(id: &'static str, what: &'static str, value: f64, unit: &'static str) -> Self {
        Self { id, what, value, unit, percentiles_ms: None, baseline: None }
    }

    pub(super) fn of_load(
        id: &'static str,
        what: &'static str,
        outcome: &Outcome,
        baseline: Option<(&'static str, f64)>,
    ) -> Self {
        Self {
            percentiles_ms: Some([50, 95, 99].map(|percent| outcome.percentile_ms(percent))),
            baseline,
            ..Self::plain(id, what, outcome.per_second, "events/s")
        }
    }

    fn percentiles(&self) -> [Option<f64>; 3] {
        self.percentiles_ms.map_or([None; 3], |known| known.map(Some))
    }

    fn ratio(&self) -> Option<f64> {
        self.baseline.map(|(_, beside)| self.value / beside)
    }
}

pub(super) fn print(figures: &[Figure]) {
    let number = |value: Option<f64>, digits: usize| value.map_or("-".into(), |value| format!("{value:.digits$}"));
    println!("{:<5}{:<36}{:>10} {:<9}{:>9}{:>9}{:>9}{:>8}", "", "", "value", "", "p50 ms", "p95 ms", "p99 ms", "ratio");
    for figure in figures {
        let [p50, p95, p99] = figure.percentiles();
        println!(
            "{:<5}{:<36}{:>10.0} {:<9}{:>9}{:>9}{:>9}{:>8}",
            figure.id,
            figure.what,
            figure.value,
            figure.unit,
            number(p50, 1),
            number(p95, 1),
            number(p99, 1),
            number(figure.ratio(), 2)
        );
    }
    if cfg!(debug_assertions) {
        println!("This is a debug build; figures of one are good for nothing but a smoke test.");
    }
    for figure in figures {
        let rounded = |value: f64| (value * 1e3).round() / 1e3;
        let [p50, p95, p99] = figure.percentiles().map(|ms| ms.map(rounded));
        let line = json!({
            "id": figure.id,
            "what": figure.what,
            "value": rounded(figure.value),
            "unit": figure.unit,
            "ratio": figure.ratio().map(rounded),
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "baseline": figure.baseline.map(|(name, _)| name),
        });
        println!("{line}");
    }
}
