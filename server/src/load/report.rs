//! The report: one HTML file that needs nothing else, with the summary and its course over time.

use std::fmt::Write as _;

use super::second::Second;
use super::summary::Summary;

const PAGE: &str = include_str!("report.html");

/// A chart's drawing area. Units: CSS pixels.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 90.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 10.0;

/// One or two lines over time.
struct Chart {
    title: &'static str,
    unit: &'static str,
    /// Name and values; a gap where nothing was measured.
    lines: Vec<(&'static str, Vec<Option<f64>>)>,
}

/// The report's text.
pub(super) fn html(summary: &Summary, seconds: &[Second]) -> String {
    let title = format!("downbeat load: {}", escaped(&summary.game));
    let mut rows = String::new();
    for (name, text) in summary.rows() {
        let text = escaped(&text);
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{name}</th><td>{text}</td></tr>"
        );
    }
    let times: Vec<f64> = seconds.iter().filter_map(|s| s.at_s).collect();
    let mut drawn = String::new();
    for chart in charts(seconds) {
        draw(&mut drawn, &chart, &times);
    }
    PAGE.replace("{{title}}", &title)
        .replace("{{rows}}", &rows)
        .replace("{{charts}}", &drawn)
}

fn charts(seconds: &[Second]) -> Vec<Chart> {
    let measured: Vec<&Second> = seconds.iter().filter(|s| s.at_s.is_some()).collect();
    let line = |value: fn(&Second) -> Option<f64>| measured.iter().map(|s| value(s)).collect();
    vec![
        Chart {
            title: "Between two frames",
            unit: "ms",
            lines: vec![
                ("p50", line(|s| s.interframe_p50)),
                ("p99", line(|s| s.interframe_p99)),
            ],
        },
        Chart {
            title: "From input to ack",
            unit: "ms",
            lines: vec![("p50", line(|s| s.ack_p50)), ("p99", line(|s| s.ack_p99))],
        },
        Chart {
            title: "Frames per second",
            unit: "/s",
            lines: vec![
                ("received", line(|s| Some(s.frames_per_s))),
                ("missed", line(|s| Some(s.missed_per_s))),
            ],
        },
        Chart {
            title: "Received by all clients",
            unit: "KiB/s",
            lines: vec![("received", line(|s| Some(s.kib_per_s)))],
        },
        Chart {
            title: "Clients connected",
            unit: "",
            lines: vec![("connected", line(|s| Some(f64::from(s.connected))))],
        },
    ]
}

fn draw(out: &mut String, chart: &Chart, times: &[f64]) {
    let values = chart.lines.iter().flat_map(|(_, values)| values);
    let most = values.flatten().copied().fold(0.0, f64::max);
    let top = round_up(most);
    let end = times.last().copied().unwrap_or(1.0).max(1e-3);
    let x = |at: f64| LEFT + (WIDTH - LEFT) * at / end;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / top);

    let _ = write!(
        out,
        "<h2>{}</h2>\n<div class=\"key\">",
        escaped(chart.title)
    );
    for ((name, _), class) in chart.lines.iter().zip(["a", "b"]) {
        let _ = write!(out, "<b class=\"k{class}\">— {}</b> ", escaped(name));
    }
    let _ = writeln!(
        out,
        "</div>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(chart.title)
    );
    for part in [0.0, 0.5, 1.0] {
        let (value, at) = (top * part, y(top * part));
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value} {}</text>",
            LEFT - 6.0,
            at + 4.0,
            chart.unit
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.1}\">0 s</text>\
         <text x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{end:.0} s</text>",
        HEIGHT - 4.0,
        HEIGHT - 4.0
    );
    for ((_, values), class) in chart.lines.iter().zip(["a", "b"]) {
        let mut path = String::new();
        let mut pen = 'M';
        for (at, value) in times.iter().zip(values) {
            match value {
                Some(value) => {
                    let _ = write!(path, "{pen}{:.1} {:.1}", x(*at), y(*value));
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{path}\"/>");
    }
    out.push_str("</svg>\n");
}

/// The next of 1, 2, 5, 10, 20, 50 … that is not below `value`.
fn round_up(value: f64) -> f64 {
    let base = 10f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * base)
        .find(|top| *top >= value)
        .unwrap_or(10.0 * base)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::summary::Setup;
    use super::super::tally::Tally;
    use super::*;

    #[test]
    fn the_report_draws_what_was_measured_and_trusts_no_text() {
        let mut total = Tally::default();
        total.handle_problem("the server says <script>alert(1)</script>");
        let setup = Setup {
            game: "meadow".into(),
            clients: 2,
            rooms: 1,
            connected: 2,
            measured: Duration::from_secs(3),
        };
        let seconds: Vec<Second> = [None, Some(1.0), Some(2.0), Some(3.0)]
            .into_iter()
            .map(|at_s| Second {
                at_s,
                frames_per_s: 40.0,
                interframe_p99: at_s.filter(|at| *at != 2.0).map(|at| 30.0 + at),
                ..Second::default()
            })
            .collect();
        let page = html(&Summary::new(setup, &total), &seconds);
        assert!(!page.contains("{{"), "a placeholder is left");
        assert!(!page.contains("<script>"));
        assert!(page.contains("&lt;script&gt;"));
        assert_eq!(page.matches("<svg").count(), 5);
        // Frames per second: a line through three points, at four fifths of the height.
        assert!(
            page.contains("d=\"M360.0 39.6L630.0 39.6L900.0 39.6\""),
            "{page}"
        );
        // Nothing was measured in the second one: the line has a gap.
        assert!(page.contains("d=\"M360.0 66.2M900.0 60.3\""), "{page}");
    }

    #[test]
    fn an_axis_ends_at_a_round_number() {
        for (value, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (37.0, 50.0),
            (51.2, 100.0),
            (20_000.0, 20_000.0),
        ] {
            assert!((round_up(value) / top - 1.0).abs() < 1e-9, "{value}");
        }
    }
}
