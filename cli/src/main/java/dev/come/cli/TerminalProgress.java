package dev.come.cli;

import dev.come.ByteSize;
import dev.come.Progress;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressState;

/**
 * Draws on a terminal. One line is in use at any time: it shows the innermost work that is going on, how far the whole run
 * is, and the time left. Notes appear above it, and outermost work leaves a line behind that says what it took.
 */
final class TerminalProgress implements Progress {
    private static final int UPDATE_MILLISECONDS = 200;
    private static final int SHORTEST_BAR = 8;
    private static final int LONGEST_BAR = 30;
    private static final String LINE_START = "\r";
    private static final String CLEAR_REST = "\u001b[K";

    private final PrintWriter terminal;
    private final int columns;
    private final char full;
    private final WholeRun whole = new WholeRun(InstantSource.system());
    /** Work that is going on, innermost last. */
    private final List<Bar> open = new ArrayList<>();
    private boolean lineInUse;

    /**
     * @param terminal where to draw
     * @param columns width of the terminal in characters
     * @param unicode whether the terminal shows more than ASCII
     */
    TerminalProgress(PrintWriter terminal, int columns, boolean unicode) {
        this.terminal = terminal;
        this.columns = columns;
        this.full = unicode ? '\u2588' : '=';
    }

    @Override
    public Task begin(String what, long total, String unit) {
        return new Bar(what, total, unit, total);
    }

    @Override
    public Task begin(String what, long steps, String unit, long units) {
        return new Bar(what, steps, unit, units);
    }

    @Override
    public void expect(double steps) {
        whole.expect(steps);
    }

    @Override
    public synchronized void note(String line) {
        clearLine();
        terminal.println(line);
        terminal.flush();
    }

    /** Says what is done before there is anything to count; whatever comes next takes its place. */
    synchronized void beginning(String line) {
        draw(line.length() < columns ? line : line.substring(0, columns - 1));
    }

    /** Leaves a bar as it stands and goes to the next line, if there is a bar. */
    synchronized void endLine() {
        if (lineInUse) {
            terminal.println();
            terminal.flush();
            lineInUse = false;
        }
    }

    /** Takes away what stands on the line in use, before something else is printed there. */
    synchronized void clearLine() {
        if (lineInUse) {
            terminal.print(LINE_START + CLEAR_REST);
            terminal.flush();
            lineInUse = false;
        }
    }

    private synchronized void draw(String text) {
        terminal.print(LINE_START + text + CLEAR_REST);
        terminal.flush();
        lineInUse = true;
    }

    /**
     * A line of a width: what is done, how much of it, a bar where there is room, and at the end what is never cut off.
     *
     * @param share of the bar that is full
     */
    static String line(String what, String amount, double share, String end, int width, char full) {
        int room = width - amount.length() - end.length() - ": ".length() - 2;
        String shown = what.length() <= room ? what : what.substring(0, Math.max(0, room - 3)) + "...";
        int bar = Math.min(LONGEST_BAR, room - shown.length() - 3);
        int filled = (int) (Math.clamp(share, 0, 1) * bar);
        return shown + ": " + amount
                + (bar < SHORTEST_BAR
                        ? ""
                        : " [" + String.valueOf(full).repeat(filled) + " ".repeat(bar - filled) + "]")
                + "  " + end;
    }

    private final class Bar implements Task {
        private final ProgressBar bar;
        private final String what;
        private final String unit;
        private final long units;

        Bar(String what, long steps, String unit, long units) {
            this.what = what;
            this.unit = unit;
            this.units = units;
            synchronized (TerminalProgress.this) {
                open.add(this);
            }
            bar = new ProgressBarBuilder().setTaskName(what).setInitialMax(steps)
                    .setUpdateIntervalMillis(UPDATE_MILLISECONDS).continuousUpdate().setRenderer(this::render)
                    .setConsumer(new DelegatingProgressBarConsumer(this::drawn, columns - 1)).build();
        }

        @Override
        public void advance(long steps) {
            bar.stepBy(steps);
            if (!ofBytes()) {
                whole.advance(steps);
            }
        }

        @Override
        public void skip(long steps) {
            advance(steps);
        }

        @Override
        public void close() {
            // Draws once more, from the thread of the progress bars: the lock must not be held here.
            bar.close();
            synchronized (TerminalProgress.this) {
                open.remove(this);
                if (open.isEmpty()) {
                    endLine();
                } else {
                    clearLine();
                }
            }
        }

        private boolean ofBytes() {
            return unit.equals(Progress.BYTES);
        }

        private String render(ProgressState state, int width) {
            double share = state.getMax() <= 0 ? 1 : (double) state.getCurrent() / state.getMax();
            Duration time = state.getElapsedAfterStart();
            if (state.getCurrent() >= state.getMax() && !state.isAlive()) {
                return cut(what + ": " + amount(state, share) + ", " + Units.time(time), width);
            }
            String ofRun = ofBytes() ? "" : whole.text();
            return cut(line(what, amount(state, share), share,
                    ofRun.isEmpty() ? WholeRun.text(share, "", time) : ofRun, width, full), width);
        }

        private String amount(ProgressState state, double share) {
            if (!ofBytes()) {
                return (long) (share * units) + " of " + units + " " + unit;
            }
            long milliseconds = Math.max(1, state.getElapsedAfterStart().toMillis());
            return ByteSize.format(state.getCurrent()) + " of " + ByteSize.format(state.getMax()) + ", "
                    + ByteSize.format(Math.max(0, state.getCurrent()) * 1000 / milliseconds) + "/s";
        }

        private static String cut(String line, int width) {
            return line.length() <= width ? line : line.substring(0, Math.max(0, width));
        }

        /** Called by the thread of the progress bars. */
        private void drawn(String text) {
            synchronized (TerminalProgress.this) {
                if (open.getLast() == this) {
                    draw(text);
                }
            }
        }
    }
}
