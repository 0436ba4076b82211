//! What the README takes from a run: one table, and one drawing of it.

use super::about::{About, span};
use super::{DEFAULT, SLEEPING, SPINNING, TABLE, figure, markdown, plot};
use crate::contestant::{Ends, Failure, Waiting};
use crate::entry::Kind;
use crate::sheet::{Row, Sheet};
use crate::stats::Summary;
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;
use std::path::Path;

/// A line of the table.
struct Line {
    title: &'static str,
    /// The cell's slug.
    cell: &'static str,
    /// The metric's id.
    metric: &'static str,
    ours: &'static str,
    /// Whether it is in the drawing, too.
    drawn: bool,
}

const fn line(title: &'static str, cell: &'static str, metric: &'static str, ours: &'static str) -> Line {
    Line { title, cell, metric, ours, drawn: false }
}

const fn drawn(title: &'static str, cell: &'static str, metric: &'static str, ours: &'static str) -> Line {
    Line { drawn: true, ..line(title, cell, metric, ours) }
}

const LINES: &[Line] = &[
    drawn("round trip, 8 bytes", "rtt-8", "trip_ns", DEFAULT),
    line("the same, spinning", "rtt-8", "trip_ns", SPINNING),
    line("the same, always asleep", "rtt-8", "trip_ns", SLEEPING),
    drawn("one way, 8 bytes", "rate-8-batch-1-capacity-4096", "rate", DEFAULT),
    line("the same in batches of 64", "rate-8-batch-64-capacity-4096", "rate", TABLE),
    drawn("one way, 64 bytes", "rate-64-batch-1-capacity-4096", "rate", DEFAULT),
    drawn("one way, 1024 bytes", "rate-1024-batch-1-capacity-4096", "rate", DEFAULT),
    line("bursts of 100 every 1 ms: the first", "burst-8-every-1-ms", "first_us", DEFAULT),
    line("the same: processor time of both", "burst-8-every-1-ms", "cpu_percent", DEFAULT),
    line("1 to 1 of many to many, 8 bytes", "many-1x1-block-batch-1-capacity-1024", "rate", DEFAULT),
    line("2 to 2", "many-2x2-block-batch-1-capacity-1024", "rate", DEFAULT),
    drawn("4 to 4, 8 bytes", "many-4x4-block-batch-1-capacity-1024", "rate", DEFAULT),
    line("records of 64 bytes", "records-64-to-64", "rate", DEFAULT),
    line("records of 1024 bytes", "records-1024-to-1024", "rate", DEFAULT),
    drawn("1 MiB, buffer to buffer", "bulk-1048576", "gigabytes", DEFAULT),
    line("1 MiB, written and read in place", "loans-1048576", "gigabytes", DEFAULT),
];

/// Some of those who are beside ringway: the best of them is shown.
struct Others {
    name: &'static str,
    colour: RGBColor,
    are: fn(&Row) -> bool,
}

const OTHERS: [Others; 3] = [
    Others {
        name: "the best crate between processes",
        colour: RGBColor(50, 90, 170),
        are: |row| row.kind == Kind::Peer && row.ends == Ends::Processes,
    },
    Others {
        name: "the best crate between threads",
        colour: RGBColor(160, 180, 215),
        are: |row| row.kind == Kind::Peer && row.ends == Ends::Threads,
    },
    Others { name: "the best of the kernel", colour: RGBColor(60, 130, 70), are: |row| row.kind == Kind::Kernel },
];

/// The best of some in a line.
struct Best<'a> {
    row: &'a Row,
    median: f64,
    /// How many times as good ringway is.
    ahead: Summary,
}

/// A line that was measured.
struct Measured<'a> {
    line: &'static Line,
    unit: &'static str,
    ours: Summary,
    others: [Option<Best<'a>>; OTHERS.len()],
}

fn measured<'a>(line: &'static Line, sheets: &'a [Sheet]) -> Option<Measured<'a>> {
    let sheet = sheets.iter().find(|sheet| sheet.cell.slug() == line.cell)?;
    let at = sheet.cell.metrics().iter().position(|metric| metric.id == line.metric)?;
    let metric = sheet.cell.metrics()[at];
    let ours = sheet.row(line.ours)?;
    let others = OTHERS.map(|Others { are, .. }| {
        let row = sheet.best(at, |row| are(row) && is_match(sheet, line, row))?;
        let ahead = if metric.less { row.over(ours, at, None) } else { ours.over(row, at, None) };
        Some(Best { row, median: row.summary(at, None)?.median, ahead: ahead? })
    });
    Some(Measured { line, unit: metric.unit, ours: ours.summary(at, None)?, others })
}

/// Where it matters how one waits, who spins is no match for who sleeps, nor who sometimes does for who always does.
fn is_match(sheet: &Sheet, line: &Line, row: &Row) -> bool {
    let is_sleeper = row.card.waiting == Waiting::Sleeps || row.kind == Kind::Kernel;
    match line.ours {
        SLEEPING => is_sleeper,
        _ => !sheet.cell.is_bursts() || row.card.waiting != Waiting::Spins,
    }
}

fn all(sheets: &[Sheet]) -> Vec<Measured<'_>> {
    LINES.iter().filter_map(|line| measured(line, sheets)).collect()
}

/// What is pasted.
pub fn text(about: &About, sheets: &[Sheet], link: &str) -> String {
    let About { machine, weather, rounds, made, .. } = about;
    let mut header = vec!["work".to_owned(), "ringway".to_owned()];
    header.extend(OTHERS.map(|others| others.name.to_owned()));
    let cells = |it: &Measured<'_>| {
        let mut cells = vec![format!("{}, {}", it.line.title, it.unit), figure(it.ours.median)];
        cells.extend(it.others.iter().map(|best| match best {
            Some(Best { row, median, ahead }) => format!(
                "{} {}: {:.2} ({:.2} to {:.2})",
                row.card.name,
                figure(*median),
                ahead.median,
                ahead.low,
                ahead.high
            ),
            None => "-".to_owned(),
        }));
        cells
    };
    let table = markdown::grid(std::iter::once(header).chain(all(sheets).iter().map(cells)));
    let is_virtual = if machine.is_virtual { " of a virtual machine" } else { "" };
    format!(
        "{}, {} processors{is_virtual}, Linux {}; {weather}. One run of commit {}, {}, `{}`: {} rounds, medians, every message \
         checked. Behind each of the others: how many times as good ringway is, with the 95 % interval.\n\n{table}\
         ![ringway and the others]({link}/readme.svg)\n",
        machine.cpu,
        machine.processors,
        machine.kernel,
        made.commit,
        made.date,
        made.command,
        span(rounds),
    )
}

const WIDTH: u32 = 900;
/// Of a line of the drawing.
const GROUP: u32 = 74;
/// Above and below.
const MARGIN: u32 = 120;

/// A group of bars a line, from 1, where ringway is, to how many times as good it is. To the left of that it is behind.
pub fn draw(path: &Path, sheets: &[Sheet]) -> Result<(), Failure> {
    let lines: Vec<_> = all(sheets).into_iter().filter(|it| it.line.drawn).rev().collect();
    let ends =
        lines.iter().flat_map(|it| it.others.iter().flatten()).flat_map(|best| [best.ahead.low, best.ahead.high]);
    let ends: Vec<f64> = ends.filter(|ahead| *ahead > 0.0).collect();
    // At least from a half to twice, so that there is an axis when all are equal.
    let least = ends.iter().copied().fold(0.5, f64::min) / 1.2;
    let most = ends.iter().copied().fold(2.0, f64::max);
    // Room for what is written beside the longest bar.
    let right = most * (most / least).powf(0.55);
    let height = lines.len() as u32 * GROUP + MARGIN;
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("how many times as good ringway is, waiting as by default, as ...", plot::text(16))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(170)
        .build_cartesian_2d((least..right).log_scale(), 0.0..lines.len().max(1) as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc("1 is ringway; to the right of it ringway is ahead")
        .x_label_formatter(&|value| plot::short(*value))
        .light_line_style(WHITE)
        .draw()?;
    for (n, Others { name, colour, .. }) in OTHERS.into_iter().enumerate() {
        // One under the other in each group, the first on top.
        let bottom = |group: usize| group as f64 + 0.9 - 0.27 * (n + 1) as f64;
        let bar = |(group, it): (usize, &Measured<'_>)| {
            it.others[n].as_ref().map(|best| (group, best.ahead, best.row.card.name))
        };
        let bars: Vec<_> = lines.iter().enumerate().filter_map(bar).collect();
        chart
            .draw_series(bars.iter().map(|(group, ahead, _)| {
                Rectangle::new([(1.0, bottom(*group)), (ahead.median, bottom(*group) + 0.23)], colour.filled())
            }))?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], colour.filled()));
        for (group, ahead, name) in bars {
            let middle = bottom(group) + 0.115;
            chart
                .draw_series([PathElement::new([(ahead.low, middle), (ahead.high, middle)], BLACK.stroke_width(1))])?;
            let label = format!("{}  {name}", figure(ahead.median));
            chart.draw_series([Text::new(label, (ahead.high.max(1.0) * 1.04, bottom(group) + 0.2), plot::text(11))])?;
        }
    }
    chart.draw_series([PathElement::new(
        [(1.0, 0.0), (1.0, lines.len() as f64)],
        RGBColor(200, 60, 30).stroke_width(3),
    )])?;
    for (group, it) in lines.iter().enumerate() {
        let (_, y) = chart.backend_coord(&(1.0, group as f64 + 0.6));
        area.draw(&Text::new(it.line.title, (16, y), plot::text(13)))?;
    }
    plot::legend(&mut chart, SeriesLabelPosition::LowerRight)?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    /// Every line has its cell in the plan, and what it shows of it.
    #[test]
    fn all_lines_are_measured() {
        let (about, sheets) = example::run();
        assert_eq!(all(&sheets).len(), LINES.len());
        let text = text(&about, &sheets, "REPORT");
        let line = "| one way, 8 bytes, M messages/s | 192.0 | peer, spinning 42.7: 4.50 (4.50 to 4.50) |";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("commit 0123abc"), "{text}");
    }
}
