package dev.come.distill;

import dev.come.Progress;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.Rotation;
import dev.come.model.Workers;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;

/**
 * The training of one layer by itself, from its recipe to its outcome in the run's folder. It is the same whether it is done in
 * this process or in one of its own.
 *
 * @param store where weights are made; knows the weights of layers that were trained before
 * @param stack the pruned model
 * @param position which layer
 * @param folder where the outcome goes, and where training goes on from after it was interrupted
 */
record LayerTraining(LayerStore store, LayerStack stack, int position, DistillationOptions options, Path folder) {
    /** The same for another position. */
    LayerTraining at(int other) {
        return new LayerTraining(store, stack, other, options, folder);
    }

    /** The teacher's layers that it stands for. */
    Students.Span span() {
        return options.students().spans(stack, store.config().layers()).get(position);
    }

    /** What users are told of it as. */
    String name() {
        return Students.name(stack.get(position), span());
    }

    /** What came out if it was done before. */
    Optional<Outcome> done() {
        return Outcome.read(record(), stack);
    }

    /** The layer as training has left it; as it was, if that made it no better or was not done. */
    LayerNode made() {
        LayerNode start = stack.get(position);
        return done().<LayerNode>flatMap(outcome -> Optional.ofNullable(outcome.layers().get(position))).orElse(start);
    }

    /** Which chunks are trained on in which step. */
    static Batches batches(TokenChunks chunks, int training, DistillationOptions options) {
        return Batches.of(chunks, training, options.tokens(), options.batchTokens(), options.seed());
    }

    /**
     * Trains.
     *
     * @param compute where, and the type of the products that gradients are made of; all else is float32
     * @param task advances by one with every step
     */
    Outcome run(Examples examples, Workers workers, Compute compute, Progress progress, Progress.Task task) {
        LayerNode node = stack.get(position);
        TrainingFile file = new TrainingFile(folder.resolve("training-" + position + ".state"));
        try (TrainableLayer layer = trainable(node, compute); Rotation rotation = new Rotation(compute.inFloat32())) {
            LayerStudent student = new LayerStudent(layer, store, examples, workers, rotation, compute, options);
            Curve curve = new TrainingLoop(List.of(layer), student, examples.chunks(),
                    batches(examples.chunks(), examples.training(), options),
                    options.schedule(), options, file).run("layer " + name(), progress, task);
            Outcome outcome = Outcome.write(record(), store, List.of(layer), stack, curve);
            file.delete();
            return outcome;
        }
    }

    private TrainableLayer trainable(LayerNode node, Compute compute) {
        try (var _ = new PointerScope()) {
            LayerWeights start = store.materialise(node);
            return new TrainableLayer(position, node, start, TrainedParts.ALL.parts(store.config()),
                    options.weightDecay(), compute);
        }
    }

    private Path record() {
        return folder.resolve("outcome-" + position + ".json");
    }
}
