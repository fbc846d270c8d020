package dev.come.text;

import dev.come.UsageException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The part of a calibration set that layers are chosen on, where healing takes all of it: a search through many candidates costs
 * as much as its text is long, and many short windows tell more than one long one.
 *
 * @param windows how many ({@code --search-windows})
 * @param length tokens in each; absent: as many as a sequence has ({@code --search-seqlen})
 */
public record SearchWindows(int windows, OptionalInt length) {
    /** @throws UsageException if a number is out of range */
    public SearchWindows {
        if (windows < 1) {
            throw new UsageException("--search-windows must be at least 1, but is " + windows + ".");
        }
        if (length.isPresent() && length.getAsInt() < 2) {
            throw new UsageException("--search-seqlen must be at least 2, since a loss is that of a next token, but is "
                    + length.getAsInt() + ".");
        }
    }

    /**
     * Takes them: the sequences are cut into windows side by side, and of these some are taken that are spread evenly.
     *
     * @throws UsageException if there are fewer
     */
    public CalibrationSet of(CalibrationSet all) {
        Sequences pieces = pieces(all.sequences());
        if (pieces.count() < windows) {
            throw new UsageException("--search-windows is " + windows + ", but the calibration text has only "
                    + pieces.count()
                    + length.stream().mapToObj(tokens -> " windows of " + tokens + " tokens").findFirst()
                            .orElse(" sequences")
                    + "; ask for fewer or shorter ones, or give more text");
        }
        Sequences taken = pieces.spread(windows);
        String assembly = all.facts().assembly() + ", of which " + windows + (length.isPresent()
                ? " pieces of " + length.getAsInt() + " tokens"
                : " sequences") + " are searched on";
        return new CalibrationSet(taken, all.facts().searched(taken, assembly, length));
    }

    private Sequences pieces(Sequences all) {
        if (length.isEmpty()) {
            return all;
        }
        List<int[]> pieces = new ArrayList<>();
        for (int i = 0; i < all.count(); i++) {
            Sequences cut = Sequences.windows(all.sequence(i), length.getAsInt());
            for (int j = 0; j < cut.count(); j++) {
                pieces.add(cut.sequence(j));
            }
        }
        return Sequences.of(pieces);
    }
}
