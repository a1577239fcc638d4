//! `figures costs [FOLDER]`: how the costs of replication grow, as a table for README and a plot.

use std::fmt::Write as _;
use std::path::Path;

use downbeat::Space;
use downbeat_benches::plain::Layout;

use crate::replication::{gallery, times, watch};

const TICKS: usize = 300;

/// One curve of the plot: what grows, and what a member costs at each step of it.
struct Curve {
    title: &'static str,
    unit: &'static str,
    points: Vec<(f64, f64)>,
}

/// Prints the table of bytes, and writes the plot of processor time into `folder`.
pub(crate) fn tell(folder: &Path) -> Result<(), String> {
    let mut out = String::from(
        "| entities | of them moving | in view | bytes per member and second | per moving update |\n|---|---|---|---|---|\n",
    );
    for walkers in [500, 2000, 8000] {
        for moving_pct in [10, 70, 100] {
            for far in [1, 3] {
                let layout = layout(walkers, moving_pct, far);
                let watched = watch(layout, 400)?;
                let per_s = watched.bytes as f64 / 20.0;
                let _ = writeln!(
                    out,
                    "| {walkers} | {moving_pct} % | {:.0}, {} | {per_s:.0} | {:.2} B |",
                    watched.seen,
                    if far == 1 {
                        "9 cells, each tick"
                    } else {
                        "49 cells in three tiers"
                    },
                    watched.bytes as f64 / watched.updates.max(1) as f64,
                );
            }
        }
    }
    crate::print(&out);
    let svg = plot(&[by_members(), by_entities(), by_view()]);
    let path = folder.join("replication-costs.svg");
    std::fs::write(&path, svg).map_err(|e| format!("{}: {e}", path.display()))
}

/// The same number of walkers per cell, whatever their number.
fn layout(walkers: u32, moving_pct: u32, far: u8) -> Layout {
    let base = Layout::default();
    let side_m = base.side_m * (walkers as f32 / base.walkers as f32).sqrt();
    let space = Space::Grid {
        cell_m: 32.0,
        near: 1,
        mid: far.min(2),
        far,
    };
    Layout {
        walkers,
        moving_pct,
        side_m,
        space,
        ..base
    }
}

/// What one member more costs, in nanoseconds per tick.
fn member_ns(layout: Layout, members: u32) -> f64 {
    let (alone, _) = times(&mut gallery(layout, 1), TICKS);
    let (step, write) = times(&mut gallery(layout, members), TICKS);
    (step - alone + write) / f64::from(members)
}

fn by_members() -> Curve {
    let point = |members| (f64::from(members), member_ns(Layout::default(), members));
    Curve {
        title: "members of one room of 2,000 walkers",
        unit: "members",
        points: [125, 250, 500, 1000, 2000, 4000].map(point).into(),
    }
}

fn by_entities() -> Curve {
    let point = |walkers| {
        let ns = member_ns(layout(walkers, 70, 1), 500);
        (f64::from(walkers), ns)
    };
    Curve {
        title: "walkers of the room, as many in view",
        unit: "walkers",
        points: [500, 1000, 2000, 4000, 8000].map(point).into(),
    }
}

fn by_view() -> Curve {
    let point = |walkers: u32| {
        let layout = Layout {
            walkers,
            ..Layout::default()
        };
        // Nine cells of a plain of 8.5 × 8.5.
        let seen = f64::from(walkers) * 9.0 / 72.25;
        (seen, member_ns(layout, 500))
    };
    Curve {
        title: "walkers in view, 70 % of them moving",
        unit: "in view",
        points: [250, 500, 1000, 2000, 4000, 8000].map(point).into(),
    }
}

const PANEL: (f64, f64) = (300.0, 220.0);
const MARGIN: f64 = 44.0;

/// Three panels side by side, each from zero.
fn plot(curves: &[Curve]) -> String {
    let (width, height) = PANEL;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        width * curves.len() as f64,
        height
    );
    for (at, curve) in curves.iter().enumerate() {
        let left = at as f64 * width;
        let most = |of: fn(&(f64, f64)) -> f64| curve.points.iter().map(of).fold(0.0, f64::max);
        let (x_max, y_max) = (most(|p| p.0), (most(|p| p.1) / 250.0).ceil() * 250.0);
        let x = |value: f64| left + MARGIN + value / x_max * (width - MARGIN - 14.0);
        let y = |value: f64| height - 34.0 - value / y_max * (height - 64.0);
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"16\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>",
            left + width / 2.0,
            curve.title
        );
        for step in 0..=5 {
            let value = y_max * f64::from(step) / 5.0;
            let _ = writeln!(
                svg,
                "<path d=\"M{} {y:.1}H{}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
                left + MARGIN,
                left + width - 14.0,
                left + MARGIN - 4.0,
                y(value) + 4.0,
                y = y(value),
            );
        }
        let line: Vec<_> = curve
            .points
            .iter()
            .map(|&(px, py)| format!("{:.1},{:.1}", x(px), y(py)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#2a6f4e\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for &(px, py) in &curve.points {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#2a6f4e\"/>",
                x(px),
                y(py)
            );
        }
        for value in [0.0, x_max / 2.0, x_max] {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{value:.0}</text>",
                x(value),
                height - 18.0
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}; ns per member and tick</text>",
            left + width / 2.0,
            height - 4.0,
            curve.unit
        );
    }
    svg.push_str("</svg>\n");
    svg
}
