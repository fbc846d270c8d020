package dev.come.job;

import dev.come.Progress;
import dev.come.WordModels;
import dev.come.calibration.Reading;
import dev.come.prune.ConcatMerge;
import dev.come.prune.PruningMethod;
import dev.come.prune.SkipMethod;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** A prune job in a folder of its own, on a golden model and made-up text; tests set what they are about. */
final class Run {
    private static final int WINDOW = 32;

    final Path folder;
    Path model;
    private final Path text;
    int targetLayers = 3;
    int mergeItem = 2;
    boolean withoutRepeat;
    boolean continueSaving;
    boolean perplexity;
    boolean resume;
    boolean overwrite;
    int samples = 12;
    int threads = 1;
    long memory = Long.MAX_VALUE;

    Run(String golden, Path folder) throws IOException {
        this.folder = folder;
        this.model = WordModels.copy(golden, folder);
        this.text = WordModels.text(folder.resolve("text.txt"), 20);
    }

    /** The same with another model. */
    Run of(Path other) {
        model = other;
        return this;
    }

    /** What lies beside a target that is saved, and nothing else. */
    List<String> inputs() {
        return List.of(model.getFileName().toString(), text.getFileName().toString());
    }

    /** What there should be in the folder once these were saved. */
    List<String> inputsAnd(String... saved) {
        List<String> names = new ArrayList<>(inputs());
        names.addAll(List.of(saved));
        return names;
    }

    Path target(String name) {
        return folder.resolve(name);
    }

    Saving saving(String name) {
        return new Saving(target(name), Long.MAX_VALUE, overwrite);
    }

    PruneJob.Result to(String name) {
        return to(name, Progress.NONE);
    }

    PruneJob.Result to(String name, Progress progress) {
        return job(name, progress,
                List.of(new ConcatMerge(
                        new ConcatMerge.Options(SkipMethod.BI, mergeItem, withoutRepeat, 1, 0, false))))
                .run();
    }

    /** A job of several methods. */
    PruneJob job(String name, Progress progress, List<PruningMethod> methods) {
        TextSource source = new TextSource(text.toString(), folder, TextSource.DEFAULT_FIELD);
        CalibrationSet.Options calibration = new CalibrationSet.Options(source, samples, OptionalInt.empty(), 10,
                WINDOW);
        return new PruneJob(new PruneJob.Options(model,
                methods.stream().map(method -> new PruneJob.Run(method, Reading.DEFINITION, calibration)).toList(),
                targetLayers,
                new PerplexityOptions(perplexity ? List.of(source) : List.of(), WINDOW, PerplexityOptions.ALL_WINDOWS),
                new ComputeChoice("float32", "cpu", threads, memory), saving(name), continueSaving, resume), progress);
    }
}
