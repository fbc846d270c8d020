package dev.come.job;

import dev.come.UsageException;
import dev.come.prune.Methods;
import dev.come.text.CalibrationSet;
import dev.come.text.DataShare;
import dev.come.text.Mixture;
import dev.come.text.TextSource;
import dev.come.text.TextSource.Library;
import dev.come.text.WindowLength;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a user says of the text that layers are measured on; what is not said is as the method's authors have it.
 *
 * @param datasets {@code --calibration-dataset}, perhaps with shares; empty: that of the method
 * @param samples {@code --nsamples}
 * @param tokens {@code --calibration-tokens}
 * @param seed {@code --seed}
 * @param library where named corpora lie ({@code --data-dir})
 * @param textField {@code --text-field}
 * @param length {@code --seqlen}
 */
public record CalibrationChoice(List<String> datasets, OptionalInt samples, OptionalLong tokens, long seed,
        Library library,
        String textField, WindowLength length) {
    /** What a mixture has where its tokens are not said: 32 windows of 2048. */
    static final long MIXED_TOKENS = 65_536;

    /**
     * What a method is measured on.
     *
     * @param several whether several methods are compared, which then measure on the same text where they can
     * @throws UsageException if options do not go together, or a share cannot be
     */
    public CalibrationSet.Source of(Methods.Entry<?> method, boolean several) {
        return of(method, several, OptionalInt.empty());
    }

    /**
     * The same for a method that takes its rows from a number of subjects.
     *
     * @param tasks how many ({@code --num-tasks}); absent: as usual for the data set of the method
     */
    public CalibrationSet.Source of(Methods.Entry<?> method, boolean several, OptionalInt tasks) {
        Methods.Data usual = several ? method.dataAmongOthers() : method.data();
        List<DataShare> shares = DataShare.of(datasets.isEmpty() ? List.of(usual.dataset()) : datasets);
        if (shares.size() == 1 && tokens.isEmpty()) {
            String name = shares.getFirst().dataset();
            OptionalInt usualTasks = name.equals(usual.dataset()) ? usual.tasks() : OptionalInt.empty();
            return new CalibrationSet.Options(new TextSource(name, library, textField),
                    samples.orElse(usual.samples()), tasks.isPresent() ? tasks : usualTasks, seed, length);
        }
        requireTokensAlone(shares, tasks);
        Mixture mixture = Mixture.of(shares, library, textField, tokens.orElse(MIXED_TOKENS), seed, length);
        return shares.size() == 1 ? mixture.parts().getFirst() : mixture;
    }

    /** Rows of different data sets are of very different lengths, so a mixture is measured in tokens. */
    private void requireTokensAlone(List<DataShare> shares, OptionalInt tasks) {
        String instead = shares.size() > 1 ? "several data sets" : "--calibration-tokens";
        if (samples.isPresent()) {
            throw new UsageException("--nsamples counts rows and does not go with " + instead
                    + "; leave it out, and say with --calibration-tokens how much text is wanted");
        }
        if (tasks.isPresent()) {
            throw new UsageException("--num-tasks does not go with " + instead + "; leave it out");
        }
    }

    /** What a model is healed on that was pruned before. */
    public CalibrationSet.Source ofHealing() {
        return of(Methods.CONCAT_MERGE, false);
    }
}
