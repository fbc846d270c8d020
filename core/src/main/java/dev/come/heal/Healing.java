package dev.come.heal;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.HealingStates;
import dev.come.calibration.TokenWeights;
import dev.come.model.Compute;
import dev.come.model.Part;
import dev.come.prune.PruningStep;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

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
    /** More passes were never of use. */
    static final int MOST_PASSES = 20;

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
        DOWN("down", false, Part.DOWN),
        /** First the output projection of attention, then the down projection. */
        DOWN_AND_OUTPUT("down+o", false, Part.OUTPUT, Part.DOWN),
        /**
         * Before each of them also the projections that read: of queries, keys and values, of gate and up. From the stack's own
         * normed state they are to give what the dense layer's give from the dense state. A layer that was merged reads as before.
         */
        ALL("all", true, Part.OUTPUT, Part.DOWN);

        /** Those of a label. */
        public static Targets labelled(String label) {
            return Arrays.stream(values()).filter(targets -> targets.label.equals(label)).findFirst().orElseThrow();
        }

        private final String label;
        private final boolean reads;
        @SuppressWarnings("ImmutableEnumChecker") // List.of gives an immutable list
        private final List<Part> parts;

        Targets(String label, boolean reads, Part... parts) {
            this.label = label;
            this.reads = reads;
            this.parts = List.of(parts);
        }

        /** The name under which users ask for it. */
        public String label() {
            return label;
        }

        /** Those that write to the residual stream, in the order in which a layer uses them. */
        List<Part> parts() {
            return parts;
        }

        /** Whether before each of them those of the same half are fitted that read. */
        boolean reads() {
            return reads;
        }

        /** How many fits a layer has. */
        int fits() {
            return reads ? 2 * parts.size() : parts.size();
        }
    }

    /** How much a token counts in the fits, and in the check of each. */
    public enum Weights {
        /** Every token as much as any: what is off is taken as a part of the length of what should be. */
        NORM,
        /** What is off, as it is: a token whose state is a hundred times longer counts ten thousand times as much. */
        UNIFORM,
        /** As {@link #NORM}, times the dense model's loss on the token that comes next. */
        LOSS
    }

    /** How the layers before and after a gap are refitted. */
    public enum Seam {
        /** One after the other, like others. */
        ONCE,
        /**
         * One after the other with all {@link Targets}, and then both once more, which is taken if the state behind them comes
         * nearer to the dense one.
         */
        PAIR
    }

    /**
     * What the user asks for.
     *
     * @param scope {@code --heal-scope}
     * @param targets {@code --heal-targets}
     * @param weights {@code --heal-weights}; not recorded where it is the default
     * @param passes {@code --heal-passes}: how often all layers are fitted, at least once; not recorded where it is once
     * @param seam {@code --heal-seam}; not recorded where it is the default
     */
    public record Options(@JsonProperty("heal_scope") Scope scope, @JsonProperty("heal_targets") Targets targets,
            @JsonProperty("heal_weights") @JsonInclude(value = JsonInclude.Include.CUSTOM,
                    valueFilter = Usual.class) Weights weights,
            @JsonProperty("heal_passes") @JsonInclude(value = JsonInclude.Include.CUSTOM,
                    valueFilter = Usual.class) int passes,
            @JsonProperty("heal_seam") @JsonInclude(value = JsonInclude.Include.CUSTOM,
                    valueFilter = Usual.class) Seam seam) {
        /** The defaults. */
        public static final Options DEFAULTS = new Options(Scope.ALL, Targets.DOWN_AND_OUTPUT);

        /** With tokens weighed as usual, once. */
        public Options(Scope scope, Targets targets) {
            this(scope, targets, Weights.NORM, 1);
        }

        /** With gaps as usual. */
        public Options(Scope scope, Targets targets, Weights weights, int passes) {
            this(scope, targets, weights, passes, Seam.ONCE);
        }

        public Options {
            if (passes < 1 || passes > MOST_PASSES) {
                throw new UsageException("--heal-passes is " + passes + ", but must be from 1 to " + MOST_PASSES);
            }
        }

        /** Whether projections that read are refitted anywhere. */
        boolean reads() {
            return targets.reads() || seam == Seam.PAIR;
        }
    }

    /** What a record of a run leaves out, so that it is that of a run before there was a choice. */
    private static final class Usual {
        @Override
        public boolean equals(@Nullable Object value) {
            return value == Weights.NORM || value == Seam.ONCE || Integer.valueOf(1).equals(value);
        }

        @Override
        public int hashCode() {
            return 0;
        }
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
        if (edits.first() == stack.size()) {
            progress.note("Healing: the layers are those of the dense model, there is nothing to heal");
            return Optional.empty();
        }
        HealingPass passes = new HealingPass(store, where, options, folder, progress, edits, tokens,
                weights(tokens));
        HealingPass.Outcome first = passes.run(new TreeMap<>(), 1);
        if (first.layers().isEmpty()) {
            progress.note("Healing: no layer came nearer to the dense model on the sequences that were held out");
            return Optional.empty();
        }
        Optional<List<Double>> losses = improves(where.losses(stack, tokens), first);
        if (losses.isEmpty()) {
            return Optional.empty();
        }
        HealingPass.Outcome best = first;
        List<Double> byPass = new ArrayList<>(List.of(first.losses().own()));
        for (int number = 2; number <= options.passes; number++) {
            HealingPass.Outcome next = passes.run(best.layers(), number);
            progress.note(String.format(Locale.ROOT, "Healing, pass %d: loss on held out sequences %.3f, was %.3f",
                    number, next.losses().own(), best.losses().own()));
            byPass.add(next.losses().own());
            if (!(next.losses().own() < best.losses().own())) {
                break;
            }
            best = next;
        }
        SequencedMap<String, List<Double>> scores = passes.scores(first, best);
        if (options.passes > 1) {
            scores.put("held_out_loss_by_pass", byPass);
        }
        scores.put("held_out_loss_dense_before_after",
                List.of(losses.get().get(0), losses.get().get(1), best.losses().own()));
        return Optional.of(PruningStep.train(stack, best.layers(), scores));
    }

    /** How tokens are weighed, once their chunks are known. */
    private Function<TokenChunks, TokenWeights> weights(HeldOut tokens) {
        return switch (options.weights) {
            case NORM -> _ -> TokenWeights.NORM;
            case UNIFORM -> _ -> TokenWeights.UNIFORM;
            case LOSS -> {
                List<double[]> losses = where.denseLosses(tokens);
                yield chunks -> TokenWeights.byLosses(chunks, losses);
            }
        };
    }

    /**
     * The losses of the dense model, of the stack and of its healed layers on sequences that no fit has seen; nothing if they
     * do not become less.
     *
     * @param before what the stack cost there before, by sequence
     */
    private Optional<List<Double>> improves(double[] before, HealingPass.Outcome healed) {
        double old = Arrays.stream(before).average().orElseThrow();
        List<Double> losses = List.of(healed.losses().dense(), old, healed.losses().own());
        progress.note(String.format(Locale.ROOT,
                "Healing: loss on held out sequences %.3f, was %.3f, dense %.3f; %d layers refitted", losses.get(2),
                losses.get(1), losses.get(0), healed.layers().size()));
        if (!(losses.get(2) < losses.get(1))) {
            progress.note("Healing: the layers stay as they were, because the loss did not fall; give more text with "
                    + "--nsamples");
            return Optional.empty();
        }
        return Optional.of(losses);
    }
}
