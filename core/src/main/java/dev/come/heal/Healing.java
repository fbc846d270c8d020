package dev.come.heal;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.EndLosses;
import dev.come.calibration.HealingStates;
import dev.come.calibration.StackBesideDense;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.prune.PruningStep;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.PointerScope;

/**
 * Heals a pruned stack in closed form. Layer by layer, from the first edit on, it fits the projections that write to
 * the residual stream. The state after the layer thus approaches the dense model's state where the next kept layer
 * begins. The layer gets the healed stack's own states, so what is wrong above is put right below. No gradients are
 * needed: the state is linear in these projections, so each fit is a ridge regression around the present weights.
 *
 * <p>Every fifth sequence takes no part in the fits. On these the penalty of each fit is chosen, and a fit is only taken if
 * the layer, run with the weights as they will be saved, comes nearer to the dense states there. In the end the whole stack
 * must have a lower loss on them, or it stays as it was: too few tokens can make a fit useless, but never harmful.
 */
public final class Healing {
    private static final double NOT_REFITTED = Double.POSITIVE_INFINITY;

    private final LayerStore store;
    private final Options options;
    private final HealingStates where;
    private final Path folder;
    private final Progress progress;

    /** Which layers are refitted. */
    public enum Scope {
        /** Merged layers, and those before and after layers that were left out. */
        CUT,
        /** Every layer from the first edit on. */
        ALL
    }

    /** Which projections of a layer are refitted. */
    public enum Targets {
        /** The down projection of the feed-forward half. */
        DOWN("down", Part.DOWN),
        /** First the output projection of attention, then the down projection. */
        DOWN_AND_OUTPUT("down+o", Part.OUTPUT, Part.DOWN);

        /** Those of a label. */
        public static Targets labelled(String label) {
            return Arrays.stream(values()).filter(targets -> targets.label.equals(label)).findFirst().orElseThrow();
        }

        private final String label;
        @SuppressWarnings("ImmutableEnumChecker") // List.of gives an immutable list
        private final List<Part> parts;

        Targets(String label, Part... parts) {
            this.label = label;
            this.parts = List.of(parts);
        }

        /** The name under which users ask for it. */
        public String label() {
            return label;
        }

        List<Part> parts() {
            return parts;
        }
    }

    /**
     * What the user asks for.
     *
     * @param scope {@code --heal-scope}
     * @param targets {@code --heal-targets}
     */
    public record Options(@JsonProperty("heal_scope") Scope scope, @JsonProperty("heal_targets") Targets targets) {
        /** The defaults. */
        public static final Options DEFAULTS = new Options(Scope.ALL, Targets.DOWN_AND_OUTPUT);
    }

    /**
     * Prepares.
     *
     * @param store makes the layers of the stack and of the dense model
     * @param memory bytes of hidden states that are held in memory; beyond it they go to a temporary file
     * @param folder where that file goes, and the fits, which a later healing of the same stack with the same options and
     *        tokens in this folder does not make again
     */
    public Healing(LayerStore store, Compute compute, Options options, long memory, Path folder, Progress progress) {
        this(store, new HealingHere(store, compute, memory, folder, progress), options, folder, progress);
    }

    /**
     * Prepares.
     *
     * @param store makes the layers of the stack and of the dense model
     * @param where has the states
     * @param folder where the fits go, as above
     */
    public Healing(LayerStore store, HealingStates where, Options options, Path folder, Progress progress) {
        this.store = store;
        this.where = where;
        this.options = options;
        this.folder = folder;
        this.progress = progress;
    }

    /**
     * Checks that some sequences can be held out.
     *
     * @throws UsageException if there are fewer than two
     */
    public static void requireEnough(Sequences calibration) {
        if (calibration.count() < 2) {
            throw new UsageException("--heal: the calibration set has only " + calibration.count()
                    + " sequences, but healing keeps every " + HeldOut.EVERY
                    + "th aside to check itself by and needs at least two; raise --nsamples or lower --seqlen");
        }
    }

    /**
     * Heals a stack.
     *
     * @param calibration the tokens to fit and to choose by, at least two sequences
     * @return the step that gives layers other weights; nothing if none came nearer to the dense model, as when the stack is
     *         the dense model
     * @throws UsageException if there are too few sequences
     */
    public Optional<PruningStep> heal(LayerStack stack, Sequences calibration) {
        requireEnough(calibration);
        HeldOut tokens = HeldOut.of(calibration);
        Edits edits = new Edits(stack, store.config().layers());
        int first = edits.first();
        if (first == stack.size()) {
            progress.note("Healing: the layers are those of the dense model, there is nothing to heal");
            return Optional.empty();
        }
        SortedMap<Integer, Trained> refitted = new TreeMap<>();
        SortedMap<Integer, LayerFit> outcomes = new TreeMap<>();
        EndLosses losses;
        try (StackBesideDense side = where.beside(tokens);
                KeptFits fits = new KeptFits(folder, store);
                Progress.Task task = progress.begin("healing " + stack.size() + " layers",
                        runs(edits, first) * side.chunks() + side.lossRuns(), "layers", stack.size() - first)) {
            losses = side.reporting(task, () -> {
                side.runBoth(first);
                for (int position = first; position < stack.size(); position++) {
                    int at = position;
                    try (var _ = new PointerScope()) {
                        heal(edits, position, side, fits, task).ifPresent(kept -> {
                            outcomes.put(at, kept.fit());
                            kept.layer().ifPresent(layer -> refitted.put(at, layer));
                        });
                    }
                }
                return side.losses(stack);
            });
        }
        if (refitted.isEmpty()) {
            progress.note("Healing: no layer came nearer to the dense model on the sequences that were held out");
            return Optional.empty();
        }
        PruningStep step = PruningStep.train(stack, refitted, scores(stack.size(), outcomes));
        return improves(where.losses(stack, tokens), step, refitted.size(), losses);
    }

    /** How often a layer is run, if each of its fits is tried once and taken. */
    private long runs(Edits edits, int first) {
        long runs = store.config().layers();
        for (int position = first; position < edits.stack().size(); position++) {
            runs += isRefitted(edits, position) ? LayerFit.runs(options.targets.parts) : 1;
        }
        return runs;
    }

    /** Moves on past a layer; what became of it, if it is to be refitted. */
    private Optional<KeptFits.Kept> heal(Edits edits, int position, StackBesideDense side, KeptFits fits,
            Progress.Task task) {
        LayerNode node = edits.stack().get(position);
        LayerWeights weights = store.materialise(node);
        side.runDense(edits.end(position));
        if (!isRefitted(edits, position)) {
            side.moveOn(side.run(node, weights, Optional.empty()));
            return Optional.empty();
        }
        Optional<KeptFits.Kept> before = fits.find(position, node, weights);
        if (before.isPresent()) {
            side.moveOn(
                    side.run(before.get().layer().map(LayerNode.class::cast).orElse(node), before.get().fit().weights(),
                            Optional.empty()));
            task.skip((long) options.targets.parts.size() * side.chunks());
            return before;
        }
        return Optional.of(fits.keep(position, node,
                LayerFit.of(node, weights, options.targets.parts, side, edits.end(position + 1), task)));
    }

    private boolean isRefitted(Edits edits, int position) {
        return switch (options.scope) {
            case ALL -> true;
            case CUT -> edits.isBesideCut(position);
        };
    }

    /** For the record, by position in the stack. */
    private static SequencedMap<String, List<Double>> scores(int layers, Map<Integer, LayerFit> outcomes) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("held_out_error_before", byPosition(layers, outcomes, LayerFit::before));
        scores.put("held_out_error_after", byPosition(layers, outcomes, LayerFit::after));
        scores.put("lambda_o", byPosition(layers, outcomes,
                outcome -> outcome.lambdas().getOrDefault(Part.OUTPUT, NOT_REFITTED)));
        scores.put("lambda_down", byPosition(layers, outcomes,
                outcome -> outcome.lambdas().getOrDefault(Part.DOWN, NOT_REFITTED)));
        return scores;
    }

    private static List<Double> byPosition(int layers, Map<Integer, LayerFit> outcomes,
            ToDoubleFunction<LayerFit> score) {
        List<Double> values = new ArrayList<>(Collections.nCopies(layers, NOT_REFITTED));
        outcomes.forEach((position, outcome) -> values.set(position, score.applyAsDouble(outcome)));
        return values;
    }

    /**
     * The step, if it makes the loss less on sequences that no fit has seen.
     *
     * @param before what the stack cost there before, by sequence
     * @param ends the losses there of the dense model and of the healed layers
     */
    private Optional<PruningStep> improves(double[] before, PruningStep step, int refitted, EndLosses ends) {
        double old = Arrays.stream(before).average().orElseThrow();
        List<Double> losses = List.of(ends.dense(), old, ends.own());
        progress.note(String.format(Locale.ROOT,
                "Healing: loss on held out sequences %.3f, was %.3f, dense %.3f; %d layers refitted", losses.get(2),
                losses.get(1), losses.get(0), refitted));
        if (!(losses.get(2) < losses.get(1))) {
            progress.note("Healing: the layers stay as they were, because the loss did not fall; give more text with "
                    + "--nsamples");
            return Optional.empty();
        }
        step.scores().put("held_out_loss_dense_before_after", losses);
        return Optional.of(step);
    }
}
