package dev.come.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * Numbers as places along an axis.
 *
 * @param least the number at the beginning
 * @param most the number at the end
 * @param from the place of the beginning, in pixels
 * @param to the place of the end
 * @param logarithmic whether equal factors are equally far apart
 */
record Scale(double least, double most, double from, double to, boolean logarithmic) {
    private static final double SPREAD_FOR_LOGARITHMS = 12;

    /** A scale for some numbers with a little room on both sides; logarithmic if they are of very different size. */
    static Scale around(DoubleStream values, double from, double to) {
        double[] all = values.filter(Double::isFinite).toArray();
        double least = DoubleStream.of(all).min().orElse(0);
        double most = DoubleStream.of(all).max().orElse(1);
        if (least > 0 && most / least > SPREAD_FOR_LOGARITHMS) {
            return new Scale(least / Math.pow(most / least, 0.06), most * Math.pow(most / least, 0.06), from, to, true);
        }
        double room = most > least ? 0.08 * (most - least) : Math.max(0.5, Math.abs(most) * 0.1);
        return new Scale(least - room, most + room, from, to, false);
    }

    /** A scale from zero. */
    static Scale fromZero(DoubleStream values, double from, double to) {
        double most = values.filter(Double::isFinite).max().orElse(1);
        return new Scale(0, most > 0 ? 1.06 * most : 1, from, to, false);
    }

    /** Where a number lies. */
    double at(double value) {
        double share = logarithmic
                ? Math.log(value / least) / Math.log(most / least)
                : (value - least) / (most - least);
        return from + share * (to - from);
    }

    /** Round numbers along the axis. */
    List<Double> ticks(int about) {
        List<Double> ticks = new ArrayList<>();
        if (logarithmic) {
            int first = (int) Math.ceil(Math.log10(least) - 1e-9);
            int last = (int) Math.floor(Math.log10(most) + 1e-9);
            int every = Math.max(1, (last - first + 1) / about);
            for (int power = first; power <= last; power += every) {
                ticks.add(Math.pow(10, power));
            }
            if (ticks.size() < 3) {
                for (int power = first - 1; power <= last; power++) {
                    for (double factor : new double[]{2, 5}) {
                        double tick = factor * Math.pow(10, power);
                        if (tick >= least && tick <= most) {
                            ticks.add(tick);
                        }
                    }
                }
            }
            return ticks.stream().sorted().toList();
        }
        double step = step((most - least) / about);
        for (double tick = Math.ceil(least / step) * step; tick <= most + 1e-9 * step; tick += step) {
            ticks.add(Math.abs(tick) < 1e-9 * step ? 0 : tick);
        }
        return ticks;
    }

    private static double step(double least) {
        double power = Math.pow(10, Math.floor(Math.log10(least)));
        double factor = least / power;
        return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
    }

    /** A number at a tick, short: {@code 0.25}, {@code 40}, {@code 12k}, {@code 1e9}. */
    static String tick(double value) {
        double size = Math.abs(value);
        if (size >= 1e9 || (size > 0 && size < 1e-3)) {
            return String.format(Locale.ROOT, "%.0e", value).replace("e+0", "e").replace("e-0", "e-").replace("e+",
                    "e");
        }
        if (size >= 1e6) {
            return trimmed(value / 1e6) + "M";
        }
        return size >= 1e4 ? trimmed(value / 1e3) + "k" : trimmed(value);
    }

    private static String trimmed(double value) {
        String text = String.format(Locale.ROOT, "%.3f", value);
        return text.replaceAll("\\.?0+$", "");
    }
}
