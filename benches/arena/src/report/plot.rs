//! What a person looks at.

use super::figure;
use crate::contestant::Failure;
use crate::entry::Kind;
use crate::sheet::{Row, Sheet};
use crate::stats::Summary;
use plotters::coord::Shift;
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;
use std::fs;
use std::path::Path;

const WIDTH: u32 = 1000;
/// Of a bar with the space around it.
const BAR: u32 = 26;
/// Above and below the bars.
const MARGIN: u32 = 110;
const HEIGHT: u32 = 620;
/// Beside a chart, for names.
const NAMES: u32 = 240;
/// How much wider than the figures an axis is.
const AIR: f64 = 1.3;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

type Drawn = Result<(), Failure>;

/// Draws all sheets.
pub fn draw(dir: &Path, sheets: &[Sheet]) -> Result<(), Failure> {
    fs::create_dir_all(dir)?;
    sheets.iter().try_for_each(|sheet| of(dir, sheet))
}

fn of(dir: &Path, sheet: &Sheet) -> Result<(), Failure> {
    let one =
        |suffix: &str, draw: &dyn Fn(&Path) -> Drawn| draw(&dir.join(format!("{}-{suffix}.svg", sheet.cell.slug())));
    for (at, metric) in sheet.cell.metrics().iter().enumerate() {
        one(&metric.id.replace('_', "-"), &|path| bars(path, sheet, at))?;
    }
    if sheet.cell.is_trips() {
        one("percentiles", &|path| curves(path, sheet, "trip", "single round trips"))?;
    } else if sheet.cell.is_bursts() {
        one("first-percentiles", &|path| curves(path, sheet, "first", "first message of a burst"))?;
        one("knee", &|path| knee(path, sheet))?;
    }
    Ok(())
}

fn colour(row: &Row) -> RGBColor {
    match row.kind {
        Kind::Ringway => RGBColor(200, 60, 30),
        Kind::Limit | Kind::Broken => RGBColor(120, 120, 120),
        Kind::Kernel => RGBColor(60, 130, 70),
        Kind::Textbook => RGBColor(140, 110, 30),
        Kind::Peer => RGBColor(50, 90, 170),
    }
}

/// From somewhat below the least to somewhat above the most, for an axis of powers of ten.
fn range(figures: impl Iterator<Item = f64> + Clone) -> Option<std::ops::Range<f64>> {
    let positive = figures.filter(|figure| *figure > 0.0);
    let least = positive.clone().min_by(f64::total_cmp)?;
    let most = positive.max_by(f64::total_cmp)?;
    Some(least / AIR..most * AIR)
}

/// Of this size.
pub fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

/// A bar a contestant, from the axis to the median, with the interval on it.
fn bars(path: &Path, sheet: &Sheet, metric: usize) -> Drawn {
    let about = sheet.cell.metrics()[metric];
    let with = |row| Row::summary(row, metric, None).map(|summary| (row, summary));
    let mut rows: Vec<(&Row, Summary)> = sheet.rows.iter().filter_map(with).collect();
    rows.sort_by(
        |(_, a), (_, b)| if about.less { b.median.total_cmp(&a.median) } else { a.median.total_cmp(&b.median) },
    );
    let Some(range) = range(rows.iter().flat_map(|(_, it)| [it.low, it.high, it.median])) else { return Ok(()) };
    let height = rows.len() as u32 * BAR + MARGIN;
    let area: Area<'_> = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let direction = if about.less { "less is better" } else { "more is better" };
    let title = sheet.title(metric);
    let left = range.start;
    // Room for what is written beside the longest bar, as a share of an axis of powers of ten.
    let beyond = (range.end / range.start).powf(0.3);
    // Bars begin at the axis, so the axis shows how many times one is the other, not how much is left of it.
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{title}, {} ({direction}; median and 95 % interval)", about.unit), text(16))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(220)
        .build_cartesian_2d((range.start..range.end * beyond).log_scale(), 0.0..rows.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc(about.unit)
        .x_label_formatter(&|value| short(*value))
        .light_line_style(WHITE)
        .draw()?;
    let (plot_x, _) = chart.plotting_area().get_pixel_range();
    for (n, (row, it)) in rows.iter().enumerate() {
        let (bottom, middle, top) = (n as f64 + 0.18, n as f64 + 0.5, n as f64 + 0.82);
        let fill = colour(row).mix(0.55).filled();
        chart.draw_series([Rectangle::new([(left, bottom), (it.median, top)], fill)])?;
        chart.draw_series([PathElement::new([(it.low, middle), (it.high, middle)], BLACK.stroke_width(2))])?;
        let label = format!("{} [{} {}]", figure(it.median), figure(it.low), figure(it.high));
        chart.draw_series([Text::new(label, (it.high.max(it.median) * 1.02, top - 0.1), text(12))])?;
        let (_, y) = chart.backend_coord(&(left, top - 0.1));
        area.draw(&Text::new(name(row), (plot_x.start - 215, y), text(12)))?;
    }
    area.present()?;
    Ok(())
}

fn name(row: &Row) -> String {
    match row.ends {
        crate::contestant::Ends::Threads => format!("{} (threads)", row.card.name),
        crate::contestant::Ends::Processes => row.card.name.to_owned(),
    }
}

/// Latency by percentile: the further right, the rarer.
fn curves(path: &Path, sheet: &Sheet, what: &str, title: &str) -> Drawn {
    let find = |row| Row::histogram(row, what).map(|histogram| (row, histogram));
    let rows: Vec<_> = sheet.rows.iter().filter_map(find).collect();
    // Percentiles of which at least ten values are beyond, in nines: 1 is 90 %, 2 is 99 %.
    let points = |histogram: &hdrhistogram::Histogram<u64>| {
        let nines = (histogram.len() as f64 / 10.0).max(2.0).log10();
        let steps = (0..=100).map(move |step| nines * f64::from(step) / 100.0);
        let value = |nines: f64| histogram.value_at_quantile(1.0 - 10f64.powf(-nines)) as f64;
        steps.map(|nines| (nines, value(nines))).collect::<Vec<_>>()
    };
    let lines: Vec<_> = rows.iter().map(|(row, histogram)| (*row, points(histogram))).collect();
    let Some(y) = range(lines.iter().flat_map(|(_, line)| line.iter().map(|point| point.1))) else { return Ok(()) };
    let count = lines.len();
    let right = lines.iter().filter_map(|(_, line)| line.last()).map(|point| point.0).fold(1.0, f64::max);
    let area: Area<'_> = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{}: {title}, ns by percentile", sheet.cell.title()), text(16))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right * 1.55, y.log_scale())?;
    let percent = |nines: &f64| match *nines {
        beyond if beyond > right => String::new(),
        nines => format!("{} %", figure_of_nines(nines)),
    };
    chart
        .configure_mesh()
        .x_desc("percentile")
        .y_desc("ns")
        .x_label_formatter(&percent)
        .y_label_formatter(&|value| short(*value))
        .light_line_style(WHITE)
        .draw()?;
    for (n, (row, line)) in lines.into_iter().enumerate() {
        // Around the circle of colours, dark enough for a white ground.
        let hue = HSLColor(n as f64 / count as f64, 0.9, if n % 2 == 0 { 0.35 } else { 0.5 });
        let style = hue.stroke_width(if row.kind == Kind::Ringway { 3 } else { 1 });
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(name(row))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight)?;
    area.present()?;
    Ok(())
}

/// A power of ten, or what lies between, as short as it can be said.
pub fn short(value: f64) -> String {
    match value.abs() {
        nothing if nothing < 1e-9 => "0".to_owned(),
        small if small < 1.0 => format!("{value:.2}"),
        middle if middle < 1e4 => format!("{value:.0}"),
        large if large < 1e6 => format!("{:.0}k", value / 1e3),
        _ => format!("{:.0}M", value / 1e6),
    }
}

fn figure_of_nines(nines: f64) -> String {
    let percent = 100.0 - 100.0 * 10f64.powf(-nines);
    let digits = (nines.ceil() as usize).saturating_sub(2);
    format!("{percent:.digits$}")
}

/// What each colour is; in a corner where nothing else is drawn.
pub fn legend<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    corner: SeriesLabelPosition,
) -> Result<(), Failure>
where
    X: Ranged,
    Y: Ranged,
{
    chart
        .configure_series_labels()
        .position(corner)
        .label_font(text(12))
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}

/// Latency of a burst's first message against processor time: who pays how much for being quick. Lower left is better.
fn knee(path: &Path, sheet: &Sheet) -> Drawn {
    let at = |id: &str| sheet.cell.metrics().iter().position(|metric| metric.id == id);
    let (Some(first), Some(cpu)) = (at("first_us"), at("cpu_percent")) else { return Ok(()) };
    let point = |row| {
        let (x, y) = (Row::summary(row, cpu, None)?, Row::summary(row, first, None)?);
        Some((row, x, y))
    };
    let mut points: Vec<(&Row, Summary, Summary)> = sheet.rows.iter().filter_map(point).collect();
    // Numbers from the cheapest on; names stand beside, since many points lie close together.
    points.sort_by(|(_, a, _), (_, b, _)| a.median.total_cmp(&b.median));
    let x = range(points.iter().flat_map(|(_, x, _)| [x.low, x.high]));
    let y = range(points.iter().flat_map(|(_, _, y)| [y.low, y.high]));
    let (Some(x), Some(y)) = (x, y) else { return Ok(()) };
    let area: Area<'_> = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{}: first message against processor time", sheet.cell.title()), text(16))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .margin_right(NAMES)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    chart
        .configure_mesh()
        .x_desc("processor time of both sides, % of one")
        .y_desc("first message, us")
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .light_line_style(WHITE)
        .draw()?;
    for (n, (row, x, y)) in points.iter().enumerate() {
        let style = colour(row);
        chart.draw_series([
            PathElement::new([(x.low, y.median), (x.high, y.median)], style.stroke_width(1)),
            PathElement::new([(x.median, y.low), (x.median, y.high)], style.stroke_width(1)),
        ])?;
        chart.draw_series([Circle::new((x.median, y.median), 4, style.filled())])?;
        chart.draw_series([
            EmptyElement::at((x.median, y.median)) + Text::new((n + 1).to_string(), (5, -12), text(11))
        ])?;
        let line = format!("{:2}  {}", n + 1, name(row));
        area.draw(&Text::new(line, ((WIDTH - NAMES) as i32, 40 + n as i32 * 15), text(11).color(&style)))?;
    }
    area.present()?;
    Ok(())
}
