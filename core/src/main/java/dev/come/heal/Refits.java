package dev.come.heal;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Calibration.Refit;
import dev.come.calibration.Refitting;
import dev.come.calibration.StackBesideDense;
import dev.come.heal.Healing.Targets;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;

/**
 * Refits single layers while a method still looks for what goes, with the fits of {@link Healing}. Each has its weights in a
 * file that is named after them, so that what an interrupted run has decided stays as it was, whatever is found after it.
 */
public final class Refits implements Refitting {
    private static final int LEAST_SEQUENCES = 3;

    private final LayerStore store;
    private final TrainedLayers trained;
    private final Targets targets;

    /**
     * Prepares.
     *
     * @param store makes layers; finds trained ones in the same place
     * @param trained where the weights of refitted layers go
     */
    public Refits(LayerStore store, TrainedLayers trained) {
        this(store, trained, Healing.Options.DEFAULTS.targets());
    }

    /** The same with certain projections. */
    Refits(LayerStore store, TrainedLayers trained, Targets targets) {
        this.store = store;
        this.trained = trained;
        this.targets = targets;
    }

    /**
     * Checks that some sequences can be held out of the fits, and others of the penalties too.
     *
     * @throws UsageException if there are fewer than three
     */
    public static void requireEnough(Sequences calibration) {
        if (calibration.count() < LEAST_SEQUENCES) {
            throw new UsageException(
                    "--refit, --compensate, seam_auto: the calibration set has only " + calibration.count()
                            + " sequences, but every " + HeldOut.EVERY
                            + "th is kept aside to compare losses on, and every " + HeldOut.EVERY
                            + "th of the others to check fits by, so at least " + LEAST_SEQUENCES
                            + " are needed; raise --nsamples or lower --seqlen");
        }
    }

    @Override
    public int runs() {
        return LayerFit.runs(targets);
    }

    @Override
    public Optional<Refit> refit(LayerStack stack, int position, StackBesideDense side, Progress.Task task) {
        try (var _ = new PointerScope()) {
            LayerNode node = stack.get(position);
            int end = LayerFit.end(stack, position, store.config().layers());
            side.runDense(end);
            LayerFit fit = LayerFit.of(node, store.materialise(node), targets, side, end, task);
            if (!fit.isTaken()) {
                return Optional.empty();
            }
            Trained refitted = trained.add(store.config(), node, Training.REFITTED, position, fit.weights());
            return Optional.of(new Refit(stack.replace(position, 1, refitted), fit.before(), fit.after(),
                    fit.lambdas()));
        }
    }

    @Override
    public LayerStack settled(LayerStack stack) {
        LayerStack settled = stack;
        for (int position = 0; position < stack.size(); position++) {
            LayerNode node = stack.get(position);
            boolean inPlace = node instanceof Trained there && there.position() == position;
            if (node.trained().findAny().isPresent() && !inPlace) {
                LayerNode start = node instanceof Trained moved ? moved.start() : node;
                try (var _ = new PointerScope()) {
                    settled = settled.replace(position, 1, trained.add(store.config(), start, Training.REFITTED,
                            position, store.materialise(node)));
                }
            }
        }
        return settled;
    }

    @Override
    public void keepOnly(LayerStack stack) {
        trained.keepOnly(stack);
    }
}
