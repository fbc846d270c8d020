package dev.come.job;

import dev.come.prune.Methods;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.TextSource.Library;
import dev.come.text.WindowLength;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a user says of the text that layers are measured on; what is not said is as the method's authors have it.
 *
 * @param dataset {@code --calibration-dataset}
 * @param samples {@code --nsamples}
 * @param seed {@code --seed}
 * @param library where named corpora lie ({@code --data-dir})
 * @param textField {@code --text-field}
 * @param length {@code --seqlen}
 */
public record CalibrationChoice(Optional<String> dataset, OptionalInt samples, long seed, Library library,
        String textField, WindowLength length) {
    /**
     * What a method is measured on.
     *
     * @param several whether several methods are compared, which then measure on the same text where they can
     */
    public CalibrationSet.Options of(Methods.Entry<?> method, boolean several) {
        return of(method, several, OptionalInt.empty());
    }

    /**
     * The same for a method that takes its rows from a number of subjects.
     *
     * @param tasks how many ({@code --num-tasks}); absent: as usual for the data set of the method
     */
    public CalibrationSet.Options of(Methods.Entry<?> method, boolean several, OptionalInt tasks) {
        Methods.Data usual = several ? method.dataAmongOthers() : method.data();
        String name = dataset.orElse(usual.dataset());
        OptionalInt usualTasks = name.equals(usual.dataset()) ? usual.tasks() : OptionalInt.empty();
        return new CalibrationSet.Options(new TextSource(name, library, textField), samples.orElse(usual.samples()),
                tasks.isPresent() ? tasks : usualTasks, seed, length);
    }

    /** What a model is healed on that was pruned before. */
    public CalibrationSet.Options ofHealing() {
        return of(Methods.CONCAT_MERGE, false);
    }
}
