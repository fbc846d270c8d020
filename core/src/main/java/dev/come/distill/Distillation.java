package dev.come.distill;

import dev.come.FailedException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.IoReason;
import dev.come.model.Compute;
import dev.come.run.LayerRunner;
import dev.come.run.OtherMachines;
import dev.come.run.StateStore;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.Sequences;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;

/**
 * Healing by distillation: first every layer that stands for several of the teacher's by itself, then the whole model.
 *
 * <p>The teacher is run once, a layer at a time over all tokens. As soon as the states are there that a layer should give, it is
 * trained ({@link LayerLevel}), and states that no layer above needs are forgotten.
 */
public final class Distillation {
    /**
     * The number of rows in a chunk. It is small, so that many threads share a batch, and large enough for products.
     */
    static final int CHUNK = 512;

    private final Subject subject;
    private final LayerStore store;
    private final LayerStack stack;
    private final DistillationOptions options;
    private final Compute compute;
    private final long memory;
    private final int processes;
    private final double later;
    private final Path folder;
    private final Progress progress;
    private final TokenChunks chunks;
    private final int training;

    /**
     * What is trained by what.
     *
     * @param teacher the folder of the dense model
     * @param plan the come.json of the pruned model, in its folder
     * @param store the teacher's weights, and those of layers of the pruned model that were trained before
     * @param stack the pruned model
     */
    public record Subject(Path teacher, Path plan, LayerStore store, LayerStack stack) {}

    /**
     * How the work is done; what comes out does not depend on it, except for the compute type.
     *
     * @param compute the compute type of the teacher and of the student forward; gradients are float32
     * @param memory bytes of hidden states that are held in memory
     * @param processes how many processes train layers by themselves; 0: this one does
     * @param folder the run's folder, from which an interrupted run goes on
     * @param later steps of progress that come after training, in runs of a layer over a chunk
     */
    public record Execution(Compute compute, long memory, int processes, Path folder, double later) {}

    /**
     * What came out.
     *
     * @param layers the layers that became better, by position
     * @param layerCurves of the layers that were trained by themselves, by position
     * @param layerNames what each of these is called, which tells what it stands for
     * @param modelCurve of the whole model, if it was trained
     * @param folders where the weights of the layers lie
     */
    public record Result(SortedMap<Integer, Trained> layers, SortedMap<Integer, Curve> layerCurves,
            SortedMap<Integer, String> layerNames, Optional<Curve> modelCurve, List<Path> folders) {}

    /**
     * Plans the work.
     *
     * @param training sequences that are trained on
     * @param validation sequences that are not
     */
    public Distillation(Subject subject, Sequences training, Sequences validation, DistillationOptions options,
            Execution execution, Progress progress) {
        this.subject = subject;
        this.store = subject.store;
        this.stack = subject.stack;
        this.options = options;
        this.compute = execution.compute;
        this.memory = execution.memory;
        this.processes = execution.processes;
        this.later = execution.later;
        this.folder = execution.folder;
        this.progress = progress;
        TokenChunks first = chunks(training, options);
        this.training = first.size();
        this.chunks = first.followedBy(chunks(validation, options));
        if (options.level().hasLayers()) {
            options.students().requireUsed(stack, store.config().layers());
        }
        if (levels().isEmpty()) {
            throw new NothingToDoException("No layer of the pruned model stands for several of the teacher's, so there"
                    + " is nothing to train at --level layer; give --layer-scope all, or --level model with --train"
                    + " all");
        }
        if (options.hiddenWeight() > 0 && merged().isEmpty()) {
            throw new UsageException("--hidden-weight is for models that have merged layers, but no layer of the pruned"
                    + " model stands for several of the teacher's; leave it out");
        }
    }

    /** Text as it goes through: in small chunks, but no sequence is cut. */
    static TokenChunks chunks(Sequences text, DistillationOptions options) {
        return TokenChunks.of(text, (int) Math.min(CHUNK, options.batchTokens()));
    }

    /** The levels at which there is something to train. */
    private List<Level> levels() {
        List<Level> levels = new ArrayList<>();
        if (options.level().hasLayers() && !students().isEmpty()) {
            levels.add(Level.LAYER);
        }
        if (options.level().hasModel() && !learning().isEmpty()) {
            levels.add(Level.MODEL);
        }
        return levels;
    }

    private List<Integer> merged() {
        return IntStream.range(0, stack.size()).filter(position -> TrainedParts.isMerged(stack, position)).boxed()
                .toList();
    }

    private List<Integer> students() {
        return options.students().positions(stack, store.config().layers());
    }

    private List<Integer> learning() {
        return options.trained().positions(stack, store.config().layers());
    }

    /** Trains on this machine. */
    public Result run() {
        return run(Optional.empty());
    }

    /**
     * Trains.
     *
     * @param machines others with the teacher, which train layers by themselves
     */
    public Result run(Optional<OtherMachines> machines) {
        Path layerFolder = make("layers");
        Path modelFolder = make("model");
        SortedMap<Integer, Outcome> done = new TreeMap<>();
        List<LayerTraining> missing = new ArrayList<>();
        if (options.level().hasLayers()) {
            if (students().isEmpty()) {
                progress.note("No layer stands for several of the teacher's, so only the whole model is trained");
            }
            for (int position : students()) {
                LayerTraining layer = new LayerTraining(store, stack, position, options, layerFolder);
                layer.done().ifPresentOrElse(outcome -> done.put(position, outcome), () -> missing.add(layer));
            }
        }
        Path modelRecord = modelFolder.resolve("outcome.json");
        Optional<Outcome> model = Outcome.read(modelRecord, stack);
        boolean modelMissing = levels().contains(Level.MODEL) && model.isEmpty();
        if (machines.isPresent() && !missing.isEmpty()) {
            LayersElsewhere.train(machines.get(), work(), missing);
            missing.forEach(layer -> done.put(layer.position(), layer.done().orElseThrow()));
            missing.clear();
        }
        if (!missing.isEmpty() || modelMissing) {
            try (LayerRunner runner = new LayerRunner(store, compute);
                    StateStore states = new StateStore(memory, folder);
                    TeacherStates boundaries = new TeacherStates(runner, chunks, states)) {
                goUp(missing, modelMissing, runner, states, boundaries);
                missing.forEach(layer -> done.put(layer.position(), layer.done().orElseThrow()));
                if (modelMissing) {
                    model = Optional.of(trainModel(modelRecord, done, runner, states, boundaries));
                }
            }
        }
        SortedMap<Integer, Trained> layers = layers(done);
        model.ifPresent(outcome -> layers.putAll(outcome.layers()));
        SortedMap<Integer, Curve> curves = new TreeMap<>();
        SortedMap<Integer, String> names = new TreeMap<>();
        List<Students.Span> spans = options.students().spans(stack, store.config().layers());
        done.forEach((position, outcome) -> {
            curves.put(position, outcome.curve());
            names.put(position, Students.name(stack.get(position), spans.get(position)));
        });
        return new Result(layers, curves, names, model.map(Outcome::curve), List.of(modelFolder, layerFolder));
    }

    private LayerQueue.Work work() {
        return new LayerQueue.Work(chunks, training, options, compute, layerEffort(), progress);
    }

    private static SortedMap<Integer, Trained> layers(SortedMap<Integer, Outcome> outcomes) {
        SortedMap<Integer, Trained> layers = new TreeMap<>();
        outcomes.values().forEach(outcome -> layers.putAll(outcome.layers()));
        return layers;
    }

    /** Runs the teacher as far as it is needed, and trains layers on the way. */
    private void goUp(List<LayerTraining> missing, boolean toTheEnd, LayerRunner runner, StateStore states,
            TeacherStates teacher) {
        int top = toTheEnd
                ? store.config().layers()
                : missing.stream().mapToInt(layer -> layer.span().end()).max().orElse(0);
        progress.expect(top * (chunks.size() + 1.0)
                + (double) LayerLevel.ownRuns(work(), subject, missing) * chunks.size()
                + (double) missing.size() * LayerTraining.batches(chunks, training, options).count()
                        * layerEffort().step()
                + (toTheEnd ? (double) modelBatches().count() * modelEffort().step() : 0) + later);
        // What the whole model is compared with is kept to the end.
        Set<Integer> kept = toTheEnd && options.hiddenWeight() > 0
                ? merged().stream().map(position -> TrainedParts.last(stack, position) + 1).collect(Collectors.toSet())
                : Set.of();
        new LayerLevel(work(), subject, runner, states, teacher).run(top, kept, missing, processes, folder);
    }

    private Outcome trainModel(Path record, SortedMap<Integer, Outcome> layers, LayerRunner runner, StateStore states,
            TeacherStates boundaries) {
        SortedMap<Integer, TrainableLayer> learning = new TreeMap<>();
        List<Path> folders = new ArrayList<>(List.of(make("layers")));
        folders.add(subject.plan.toAbsolutePath().resolveSibling(""));
        LayerStack begin = stack;
        for (Map.Entry<Integer, Trained> layer : layers(layers).entrySet()) {
            begin = begin.replace(layer.getKey(), 1, layer.getValue());
        }
        int end = store.config().layers();
        Examples finals = boundaries.examples(new Students.Span(end, end), training);
        TrainingFile file = new TrainingFile(make("model").resolve("training.state"));
        try (TrainedLayers trained = new TrainedLayers(folders.toArray(Path[]::new))) {
            LayerStore with = store.with(trained);
            for (int position : learning()) {
                try (var _ = new PointerScope()) {
                    learning.put(position, new TrainableLayer(position, begin.get(position),
                            with.materialise(begin.get(position)), options.trained().parts(store.config()),
                            options.weightDecay(), compute));
                }
            }
            Batches batches = modelBatches();
            List<TrainableLayer> all = List.copyOf(learning.values());
            try (ModelStudent student = new ModelStudent(with, begin, learning, finals,
                    HiddenTerm.of(options.hiddenWeight(), stack, boundaries, training), compute, states,
                    runner.workers(), options);
                    Progress.Task task = modelEffort().begin(progress, "training the whole model", batches.count())) {
                Curve curve = new TrainingLoop(all, student, chunks, batches, options.modelSchedule(), options, file)
                        .run("model", progress, task);
                Outcome outcome = Outcome.write(record, with, all, stack, curve);
                file.delete();
                return outcome;
            }
        } finally {
            learning.values().forEach(TrainableLayer::close);
        }
    }

    private Batches modelBatches() {
        return Batches.of(chunks, training, options.modelTokens(), options.batchTokens(), options.seed());
    }

    private Effort layerEffort() {
        return Effort.of(options.batchTokens() / CHUNK, 1, 1);
    }

    private Effort modelEffort() {
        int lowest = learning().stream().mapToInt(Integer::intValue).min().orElse(0);
        return Effort.of(options.batchTokens() / CHUNK, stack.size(), stack.size() - lowest);
    }

    private Path make(String name) {
        try {
            return Files.createDirectories(folder.resolve(name));
        } catch (IOException e) {
            throw new FailedException(folder.resolve(name) + " cannot be made (" + IoReason.of(e)
                    + "); the run keeps its state there, so choose a --save-path in a folder that may be written to",
                    e);
        }
    }
}
