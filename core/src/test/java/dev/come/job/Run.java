package dev.come.job;

import dev.come.Progress;
import dev.come.WordModels;
import dev.come.distill.Schedule;
import dev.come.distill.TrainedParts;
import dev.come.distill.TrainingSettings;
import dev.come.heal.Healing;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.PruningMethod;
import dev.come.prune.SkipMethod;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import dev.come.vocabulary.TokenizerCompat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** A prune job in a folder of its own, on a golden model and made-up text; tests set what they are about. */
final class Run {
    final Path folder;
    Path model;
    private Path text;
    private boolean sentences;
    int targetLayers = 3;
    int mergeItem = 2;
    boolean withoutRepeat;
    boolean continueSaving;
    WindowLength windows = WindowLength.of(32);
    boolean perplexity;
    /** Texts to measure perplexity on, besides that of calibration. */
    List<Path> perplexityTexts = List.of();
    Resumption resumption = Resumption.GO_ON;
    boolean overwrite;
    Optional<Healing.Options> healing = Optional.empty();
    int samples = 12;
    int threads = 1;
    long memory = Long.MAX_VALUE;
    String dtype = "float32";
    TokenizerCompat tokenizers = TokenizerCompat.FILE;

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

    /** The same on another text. */
    Run readingFrom(Path other) {
        text = other;
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
                        new ConcatMerge.Options(SkipMethod.BI, mergeItem, withoutRepeat, 1, 0, Compat.NONE))))
                .run();
    }

    /** Another text: sentences, which are measured on one by one. */
    void sentences(List<String> lines) throws IOException {
        Files.writeString(text, String.join("\n", lines) + "\n");
        sentences = true;
    }

    TextSource source() {
        return source(text);
    }

    private TextSource source(Path file) {
        return new TextSource(file.toString(), folder, TextSource.DEFAULT_FIELD);
    }

    CalibrationSet.Source calibration() {
        return sentences
                ? new CalibrationSet.Sentences(text, windows)
                : new CalibrationSet.Options(source(), samples, OptionalInt.empty(), 10, windows);
    }

    PerplexityOptions perplexity() {
        List<TextSource> texts = new ArrayList<>(perplexityTexts.stream().map(this::source).toList());
        if (perplexity) {
            texts.add(source());
        }
        return new PerplexityOptions(texts, windows, PerplexityOptions.ALL_WINDOWS);
    }

    ComputeChoice choice() {
        return new ComputeChoice(dtype, "cpu", threads, memory).reading(tokenizers);
    }

    /** Trains what lies in a target, layer by layer and then as a whole, on some tokens. */
    void train(String pruned, String name) {
        TrainingSettings training = new TrainingSettings();
        training.tokens = 320;
        training.shape = Schedule.Shape.CONSTANT;
        training.trained = TrainedParts.ALL;
        training.hiddenWeight = 1;
        new DistillJob(new DistillJob.Options(target(pruned), model, List.of(new DistillJob.Text(source(), 1)), windows,
                training.options(), 0, perplexity(), choice(), saving(name), resumption), Progress.NONE).run();
    }

    /** A job of several methods. */
    PruneJob job(String name, Progress progress, List<PruningMethod> methods) {
        return new PruneJob(new PruneJob.Options(model,
                methods.stream().map(method -> new PruneJob.Run(method, calibration())).toList(),
                new Target.Layers(targetLayers), perplexity(), healing, choice(), saving(name), continueSaving,
                resumption), progress);
    }
}
