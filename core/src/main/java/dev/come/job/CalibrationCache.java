package dev.come.job;

import dev.come.Progress;
import dev.come.calibration.ShardedCalibration;
import dev.come.text.CalibrationSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The tokens that a job works on, and what was measured on them: each is taken once, however many methods ask for it. Of
 * measurements only the last are held, since the hidden states of one set of tokens are as much as the memory should hold.
 */
final class CalibrationCache implements AutoCloseable {
    private final OpenModel model;
    private final Progress progress;
    private final Map<CalibrationSet.Source, CalibrationSet> sets = new HashMap<>();
    private @Nullable Object key;
    private @Nullable ShardedCalibration calibration;

    CalibrationCache(OpenModel model, Progress progress) {
        this.model = model;
        this.progress = progress;
    }

    /**
     * The tokens of a source, about which the user is told when they are taken.
     *
     * @param purpose what they are for, such as {@code Calibration}
     */
    CalibrationSet set(CalibrationSet.Source source, String purpose) {
        return sets.computeIfAbsent(source, wanted -> {
            CalibrationSet set = wanted.take(model.tokenizer(), model.config().positions());
            set.facts().notes().forEach(progress::note);
            progress.note(purpose + " on " + set.facts().summary());
            return set;
        });
    }

    /**
     * What was measured under a key, or is measured now; it belongs to the cache.
     *
     * @param wanted equal for what measures the same tokens in the same way
     */
    ShardedCalibration calibration(Object wanted, Supplier<ShardedCalibration> begin) {
        if (calibration == null || !wanted.equals(key)) {
            forget();
            calibration = begin.get();
            key = wanted;
        }
        return calibration;
    }

    /** Forgets what was measured, which frees its memory and files; the tokens stay. */
    void forget() {
        if (calibration != null) {
            calibration.close();
        }
        calibration = null;
        key = null;
    }

    @Override
    public void close() {
        forget();
    }
}
