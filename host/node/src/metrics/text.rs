//! The text format: families with their help and kind, samples with their labels, everything escaped.

use std::fmt::Write;

use crate::timing::Timed;

/// What a family measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, until it begins anew.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often something was at most so large.
    Histogram,
    /// What a plugin makes of it.
    Untyped,
}

/// A text that is being written, family by family.
#[derive(Default)]
pub(super) struct Text {
    out: String,
    /// The family that samples belong to, and whether it has any.
    family: &'static str,
    header: Option<String>,
}

impl Text {
    /// Begins a family. Without samples, nothing of it is written.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Untyped => "untyped",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.header = Some(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        self.family = name;
    }

    /// A sample of the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line("", labels, None, value);
    }

    /// A histogram of the family. `bounds` are those of the format's `le`, but for the last, which is infinite.
    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], bounds: &[f64], timed: &Timed) {
        let mut below = 0;
        for (index, count) in timed.counts.iter().enumerate() {
            below += count;
            let bound = bounds.get(index).map_or_else(|| "+Inf".to_owned(), f64::to_string);
            self.line("_bucket", labels, Some(&bound), float(below));
        }
        self.line("_sum", labels, None, timed.seconds);
        self.line("_count", labels, None, float(below));
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: f64) {
        if let Some(header) = self.header.take() {
            self.out.push_str(&header);
        }
        self.out.push_str(self.family);
        self.out.push_str(suffix);
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut before = '{';
        for (name, value) in labels {
            // Writing to a string does not fail.
            let _ = write!(self.out, "{before}{name}=\"");
            escape(value, &mut self.out);
            self.out.push('"');
            before = ',';
        }
        if before == ',' {
            self.out.push('}');
        }
        let _ = writeln!(self.out, " {}", number(value));
    }
}

/// A count, as the format has it.
#[expect(clippy::cast_precision_loss, reason = "the format knows only floats; beyond 2^53 the last digit may be lost")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_samples_read_as_the_format_has_it() {
        let mut text = Text::default();
        text.family("empty_total", Kind::Counter, "Nothing.");
        text.family("level", Kind::Gauge, "Two\nlines, one \\.");
        text.sample(&[], 0.5);
        text.sample(&[("name", "a \"b\"\\\n"), ("x", "y")], f64::NEG_INFINITY);
        text.family("took_seconds", Kind::Histogram, "How long.");
        text.histogram(&[("a", "b")], &[0.1, 1.0], &Timed { counts: vec![2, 0, 1], seconds: 3.25 });
        let expected = concat!(
            "# HELP level Two\\nlines, one \\\\.\n# TYPE level gauge\nlevel 0.5\n",
            "level{name=\"a \\\"b\\\"\\\\\\n\",x=\"y\"} -Inf\n",
            "# HELP took_seconds How long.\n# TYPE took_seconds histogram\n",
            "took_seconds_bucket{a=\"b\",le=\"0.1\"} 2\ntook_seconds_bucket{a=\"b\",le=\"1\"} 2\n",
            "took_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\ntook_seconds_sum{a=\"b\"} 3.25\ntook_seconds_count{a=\"b\"} 3\n",
        );
        assert_eq!(text.finish(), expected);
    }
}
