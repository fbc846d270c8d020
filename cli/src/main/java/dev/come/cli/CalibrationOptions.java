package dev.come.cli;

import dev.come.hub.Hub;
import dev.come.job.CalibrationChoice;
import dev.come.text.CalibrationSet;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The texts on which layers are measured. */
final class CalibrationOptions {
    @Option(names = "--calibration-dataset", arity = "1..*", paramLabel = "NAME...", hideParamSyntax = true,
            description = {
                "wiki2, c4, pg19, bookcorpus, alpaca, mmlu or a path (default: wiki2; shortgpt: pg19; mka: mmlu).",
                "With several methods pg19 is not the default of any.",
                "Several make a mixture, with shares of the tokens as in wiki2:0.3 c4:0.7, or equal ones."})
    private List<String> datasets = List.of();

    @Option(names = "--calibration-tokens", paramLabel = "N", description = {
        "Take rows until there are N tokens, instead of --nsamples (default of a mixture: 65536)."})
    private @Nullable Long tokens;

    @Option(names = "--nsamples", paramLabel = "ROWS", description = {
        "Rows of the data set to take; those of running text are joined and cut into windows.",
        "(default: 256; sleb, taylor, laco: 128; mka: 250; several methods: 256)"})
    private @Nullable Integer samples;

    @Option(names = "--seed", paramLabel = "N",
            description = "Decides which rows are taken (default: ${DEFAULT-VALUE}).")
    private long seed = CalibrationSet.DEFAULT_SEED;

    @Section
    private DataOptions data = new DataOptions();

    /**
     * What a method is measured on.
     *
     * @param tasks {@code --num-tasks}, if it was given
     * @param sentences {@code --sentences}, if it was given
     * @param several whether several methods are compared, which then measure on the same texts where they can
     * @param hub asked for only where a named data set is to be downloaded
     */
    CalibrationSet.Source source(Method method, @Nullable Integer tasks, @Nullable Path sentences, boolean several,
            Supplier<Hub> hub) {
        if (method == Method.LACO && sentences != null) {
            return new CalibrationSet.Sentences(sentences, data.windows());
        }
        return new CalibrationChoice(datasets, samples == null ? OptionalInt.empty() : OptionalInt.of(samples),
                tokens == null ? OptionalLong.empty() : OptionalLong.of(tokens), seed, data.library(hub),
                data.textField(), data.windows()).of(method.entry(), several,
                        tasks == null || !method.has("--num-tasks") ? OptionalInt.empty() : OptionalInt.of(tasks));
    }

    /** What a model is healed on that was pruned before. */
    CalibrationSet.Source source(Supplier<Hub> hub) {
        return source(Method.CONCAT_MERGE, null, null, false, hub);
    }

    DataOptions data() {
        return data;
    }
}
