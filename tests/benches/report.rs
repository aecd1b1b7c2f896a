//! Prints figures, and ratios beside what is asked of them. Nothing here passes or fails: machines are noisy.

use std::time::Duration;

/// Collects what was printed, to close with how many ratios were met.
#[derive(Default)]
pub(crate) struct Report {
    met: usize,
    asked: usize,
}

/// How long one thing took that was done many times.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { median: times[times.len() / 2], p99: times[times.len() * 99 / 100] }
    }

    pub(crate) fn figures(self) -> [Figure; 2] {
        [Figure::micros("median", self.median), Figure::micros("p99", self.p99)]
    }

    /// Beside the same undisturbed: what plugins may make of it.
    pub(crate) fn beside(self, alone: Self) -> [Figure; 4] {
        let ratio = |ours: Duration, alone: Duration| ours.as_secs_f64() / alone.as_secs_f64();
        let [median, p99] = self.figures();
        [
            median,
            Figure::ratio("of alone", ratio(self.median, alone.median)).at_most(1.3),
            p99,
            Figure::ratio("of alone", ratio(self.p99, alone.p99)).at_most(2.0),
        ]
    }
}

/// One number with its unit.
pub(crate) struct Figure {
    text: String,
    value: f64,
    met: Option<bool>,
}

impl Figure {
    pub(crate) fn rate(unit: &str, value: f64) -> Self {
        Self { text: format!("{} {unit}", thousands(value)), value, met: None }
    }

    pub(crate) fn ratio(of: &str, value: f64) -> Self {
        Self { text: format!("{value:.3} {of}"), value, met: None }
    }

    pub(crate) fn micros(what: &str, time: Duration) -> Self {
        let micros = time.as_secs_f64() * 1e6;
        Self { text: format!("{what} {micros:.1} µs"), value: micros, met: None }
    }

    pub(crate) fn plain(text: String, value: f64) -> Self {
        Self { text, value, met: None }
    }

    pub(crate) fn at_least(self, asked: f64) -> Self {
        let met = self.value >= asked;
        Self { text: format!("{} (asked ≥ {asked})", self.text), met: Some(met), ..self }
    }

    pub(crate) fn at_most(self, asked: f64) -> Self {
        let met = self.value <= asked;
        Self { text: format!("{} (asked ≤ {asked})", self.text), met: Some(met), ..self }
    }
}

impl Report {
    pub(crate) fn title(&self, title: &str) {
        println!("\n{title}");
    }

    pub(crate) fn row(&mut self, name: &str, figures: &[Figure]) {
        let met = |figure: &Figure| figure.met.map_or("", |met| if met { " ✓" } else { " ✗" });
        let figures_text: Vec<_> = figures.iter().map(|figure| format!("{}{}", figure.text, met(figure))).collect();
        println!("  {name:<52} {}", figures_text.join("   "));
        self.asked += figures.iter().filter(|figure| figure.met.is_some()).count();
        self.met += figures.iter().filter(|figure| figure.met == Some(true)).count();
    }

    pub(crate) fn close(&self) {
        println!("\n{} of {} asked figures met in this run", self.met, self.asked);
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
