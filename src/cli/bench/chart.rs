//! Charts, as SVG.

use crate::cli::failure::Failure;
use crate::cli::units;
use hdrhistogram::Histogram;
use plotters::chart::SeriesLabelPosition;
use plotters::prelude::*;
use std::fmt::Display;
use std::ops::Range;

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 640;
/// The height of a bar's row.
const ROW: u32 = 20;

/// A histogram of times in nanoseconds, with its name.
pub(super) type Curve<'a> = (String, &'a Histogram<u64>);

/// Times over percentiles: to the right are the rare ones.
pub(super) fn percentiles(title: &str, curves: &[Curve<'_>]) -> Result<String, Failure> {
    draw((WIDTH, HEIGHT), |area| {
        let most = curves.iter().map(|(_, times)| times.len()).max().unwrap_or(1);
        let times = curves.iter().flat_map(|(_, times)| [times.min(), times.max()]);
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 22))
            .margin(12)
            .x_label_area_size(45)
            .y_label_area_size(75)
            .build_cartesian_2d((1.0..most.max(10) as f64).log_scale(), range(times.map(|ns| ns as f64)).log_scale())?;
        chart
            .configure_mesh()
            .x_desc("percentile of single round trips")
            .y_desc("nanoseconds")
            .x_label_formatter(&|one_in| percentile(*one_in))
            .y_label_formatter(&|ns| format!("{ns}"))
            .draw()?;
        for (at, (label, times)) in curves.iter().enumerate() {
            let style = Palette99::pick(at).stroke_width(2);
            let points = times.iter_quantiles(8).map(|step| {
                let rare = 1.0 / (1.0 - step.quantile_iterated_to()).max(1.0 / most as f64);
                (rare, step.value_iterated_to().max(1) as f64)
            });
            let legend = move |(x, y): (i32, i32)| PathElement::new(vec![(x, y), (x + 18, y)], style);
            chart.draw_series(LineSeries::new(points, style))?.label(label).legend(legend);
        }
        let mut legend = chart.configure_series_labels();
        legend.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
        Ok(())
    })
}

/// One of several bars.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    /// What is written behind it.
    pub(super) text: String,
    /// Bars of one kind have one colour.
    pub(super) kind: usize,
}

/// Bars, one below the other.
pub(super) fn bars(title: &str, unit: &str, bars: &[Bar]) -> Result<String, Failure> {
    let rows = bars.len().max(1);
    draw((WIDTH, 100 + ROW * rows as u32), |area| {
        let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 22))
            .margin(12)
            .x_label_area_size(45)
            .y_label_area_size(260)
            // The first is above, and there is room for the text behind the longest.
            .build_cartesian_2d(0.0..longest * 1.15, (0..rows as i32).into_segmented())?;
        let name = |segment: &SegmentValue<i32>| match segment {
            SegmentValue::CenterOf(at) => named(bars, *at).map_or_else(String::new, |bar| bar.name.clone()),
            _ => String::new(),
        };
        chart.configure_mesh().disable_y_mesh().x_desc(unit).y_labels(rows).y_label_formatter(&name).draw()?;
        for (at, Bar { value, text, kind, .. }) in (0..).zip(bars.iter().rev()) {
            let ends = [(0.0, SegmentValue::Exact(at)), (*value, SegmentValue::Exact(at + 1))];
            let mut bar = Rectangle::new(ends, Palette99::pick(*kind).filled());
            bar.set_margin(3, 3, 0, 0);
            chart.draw_series([bar])?;
            let place = EmptyElement::at((*value, SegmentValue::CenterOf(at)));
            chart.draw_series([place + Text::new(text.clone(), (5, -5), ("sans-serif", 12))])?;
        }
        Ok(())
    })
}

/// The bar in row `at`, counted from below.
fn named(bars: &[Bar], at: i32) -> Option<&Bar> {
    bars.iter().rev().nth(usize::try_from(at).ok()?)
}

/// Points of one kind: their name; processor time, latency and name of each.
pub(super) type Points = (String, Vec<(f64, f64, String)>);

/// Latency against processor time: what is below and to the left is better.
pub(super) fn scatter(title: &str, series: &[Points]) -> Result<String, Failure> {
    draw((WIDTH, HEIGHT), |area| {
        let points = || series.iter().flat_map(|(_, points)| points);
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 22))
            .margin(12)
            .x_label_area_size(45)
            .y_label_area_size(75)
            .build_cartesian_2d(
                range(points().map(|(cpu, ..)| *cpu)).log_scale(),
                range(points().map(|(_, us, _)| *us)).log_scale(),
            )?;
        chart
            .configure_mesh()
            .x_desc("processor time of both sides, milliseconds a second")
            .y_desc("latency of a burst's first message, median, microseconds")
            .x_label_formatter(&|cpu| format!("{cpu}"))
            .y_label_formatter(&|us| format!("{us}"))
            .draw()?;
        for (at, (label, points)) in series.iter().enumerate() {
            let color = Palette99::pick(at);
            let style = color.filled();
            // Above and below in turns: neighbours are often near.
            let point = |(at, (cpu, us, name)): (usize, &(f64, f64, String))| {
                EmptyElement::at((positive(*cpu), positive(*us)))
                    + Circle::new((0, 0), 5, style)
                    + Text::new(name.clone(), (4, if at % 2 == 0 { -19 } else { 8 }), ("sans-serif", 13))
            };
            let legend = move |(x, y)| Circle::new((x + 9, y), 5, style);
            chart.draw_series(points.iter().enumerate().map(point))?.label(label).legend(legend);
        }
        let mut legend = chart.configure_series_labels();
        legend.position(SeriesLabelPosition::UpperRight).background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
        Ok(())
    })
}

/// A curve of times in nanoseconds over sizes in bytes.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// Times over sizes, both by their logarithms, and a size that is marked.
pub(super) fn lines(title: &str, lines: &[Line], mark: Option<(f64, String)>) -> Result<String, Failure> {
    draw((WIDTH, HEIGHT), |area| {
        let points = || lines.iter().flat_map(|line| &line.points);
        let times = range(points().map(|(_, ns)| *ns));
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 22))
            .margin(12)
            .x_label_area_size(45)
            .y_label_area_size(75)
            .build_cartesian_2d(
                range(points().map(|(bytes, _)| *bytes)).log_scale().base(2.0),
                times.clone().log_scale(),
            )?;
        chart
            .configure_mesh()
            .x_desc("bytes of a message")
            .y_desc("from one message to the next, median, nanoseconds")
            .x_label_formatter(&|bytes| units::bytes(*bytes as u64))
            .y_label_formatter(&|ns| format!("{ns}"))
            .draw()?;
        for (at, Line { name, points }) in lines.iter().enumerate() {
            let style = Palette99::pick(at).stroke_width(2);
            let legend = move |(x, y): (i32, i32)| PathElement::new(vec![(x, y), (x + 18, y)], style);
            chart.draw_series(LineSeries::new(points.iter().copied(), style))?.label(name).legend(legend);
        }
        if let Some((bytes, text)) = mark {
            chart.draw_series([PathElement::new(vec![(bytes, times.start), (bytes, times.end)], BLACK)])?;
            let place = EmptyElement::at((bytes, times.end));
            chart.draw_series([place + Text::new(text, (6, 6), ("sans-serif", 14))])?;
        }
        let mut legend = chart.configure_series_labels();
        legend.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
        Ok(())
    })
}

/// From below the least to above the most, of what a logarithm can be taken.
fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = values
        .map(positive)
        .fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), value| (value.min(least), value.max(most)));
    least.min(most) * 0.7..most * 1.6
}

fn positive(value: f64) -> f64 {
    value.max(1e-3)
}

/// One in 100 is beyond the 99th percentile.
fn percentile(one_in: f64) -> String {
    let percent = 100.0 - 100.0 / one_in;
    if percent < 99.0 { format!("{percent:.0} %") } else { format!("{} %", (percent * 1e6).round() / 1e6) }
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(
    size: (u32, u32),
    paint: impl FnOnce(&DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Drawn,
) -> Result<String, Failure> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let failed = |error: &dyn Display| Failure::Fault(format!("cannot draw: {error}"));
    area.fill(&WHITE).map_err(|error| failed(&error))?;
    paint(&area).map_err(|error| failed(&error))?;
    area.present().map_err(|error| failed(&error))?;
    drop(area);
    Ok(svg)
}
