package dev.come.cli;

import dev.come.Progress;
import java.io.PrintWriter;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Draws bars on a terminal. One line is in use at any time: it shows the innermost work that is going on, notes appear
 * above it, and outermost work leaves its finished bar behind.
 */
final class TerminalProgress implements Progress {
    private static final int UPDATE_MILLISECONDS = 200;
    private static final long KILOBYTE = 1000;
    private static final long MEGABYTE = 1_000_000;
    private static final String LINE_START = "\r";
    private static final String CLEAR_REST = "\u001b[K";

    private final PrintWriter terminal;
    private final int columns;
    private final ProgressBarStyle style;
    /** Work that is going on, innermost last. */
    private final List<Bar> open = new ArrayList<>();
    private boolean lineInUse;

    /**
     * @param terminal where to draw
     * @param columns width of the terminal in characters
     * @param style {@link ProgressBarStyle#ASCII} where the terminal shows nothing else
     */
    TerminalProgress(PrintWriter terminal, int columns, ProgressBarStyle style) {
        this.terminal = terminal;
        this.columns = columns;
        this.style = style;
    }

    @Override
    public Task begin(String what, long total, String unit) {
        return new Bar(what, total, unit);
    }

    @Override
    public synchronized void note(String line) {
        clearLine();
        terminal.println(line);
        terminal.flush();
    }

    /** Leaves a bar as it stands and goes to the next line, if there is a bar. */
    synchronized void endLine() {
        if (lineInUse) {
            terminal.println();
            terminal.flush();
            lineInUse = false;
        }
    }

    private void clearLine() {
        if (lineInUse) {
            terminal.print(LINE_START + CLEAR_REST);
            terminal.flush();
            lineInUse = false;
        }
    }

    private final class Bar implements Task {
        private final ProgressBar bar;

        Bar(String what, long total, String unit) {
            synchronized (TerminalProgress.this) {
                open.add(this);
            }
            ProgressBarBuilder builder = new ProgressBarBuilder().setTaskName(what).setInitialMax(total)
                    .setUnit(" " + unit, 1).setStyle(style).setUpdateIntervalMillis(UPDATE_MILLISECONDS)
                    .continuousUpdate().setConsumer(new DelegatingProgressBarConsumer(this::draw, columns - 1));
            if (unit.equals(Progress.BYTES)) {
                boolean many = total >= 10 * MEGABYTE;
                builder.setUnit(many ? " MB" : " kB", many ? MEGABYTE : KILOBYTE)
                        .showSpeed(new DecimalFormat("0.0", DecimalFormatSymbols.getInstance(Locale.ROOT)));
            }
            bar = builder.build();
        }

        @Override
        public void advance(long steps) {
            bar.stepBy(steps);
        }

        @Override
        public void skip(long steps) {
            bar.stepBy(steps);
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

        /** Called by the thread of the progress bars. */
        private void draw(String text) {
            synchronized (TerminalProgress.this) {
                if (open.getLast() == this) {
                    terminal.print(LINE_START + text + CLEAR_REST);
                    terminal.flush();
                    lineInUse = true;
                }
            }
        }
    }
}
