package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import dev.come.failure.Opening;
import dev.come.memory.Retained;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The residual stream after the last layer to logits: final norm and output projection. {@link CrossEntropy} goes on from here
 * to losses. Safe for use by several threads, each with a workspace of its own.
 */
public final class LanguageModelHead implements AutoCloseable {
    private final ModelConfig config;
    private final Compute compute;
    private final Retained.Group held = new Retained.Group();
    private final Checkpoint checkpoint;
    private final Rows rows;
    private final @Nullable Tensor normWeight;
    private final @Nullable Tensor normBias;
    private final @Nullable Tensor projection;
    private final @Nullable Tensor bias;
    private @Nullable Linear whole;

    /** Uses the output projection of an open checkpoint, which must stay open. */
    public LanguageModelHead(Checkpoint checkpoint, ModelConfig config, Compute compute) {
        this.config = config;
        this.compute = compute;
        this.checkpoint = checkpoint;
        try (var _ = new PointerScope(); Opening opening = new Opening()) {
            opening.add(held::close);
            Family.Names names = config.family().names();
            bias = config.headBias().map(this::wide).orElse(null);
            rows = bias == null ? rows() : new Rows.WithBias(rows(), bias);
            normWeight = config.finalNorm() ? finalNorm() : null;
            normBias = config.finalNormBias().map(this::wide).orElse(null);
            projection = config.embeddingSize() == config.hiddenSize()
                    ? null
                    : wide(names.projectOut().orElseThrow());
            opening.done();
        }
    }

    /** On a device all of it: every chunk of tokens needs it, and the way there is long. */
    private Rows rows() {
        if (!config.outputProjection()) {
            return new Rows.None(config);
        }
        String name = config.headTensor();
        return compute.onProcessor()
                ? new Rows.InFile(checkpoint, name)
                : new Rows.InMemory(held.keep(checkpoint.tensor(name).to(compute.torchDevice(),
                        checkpoint.info(name).dtype().scalarType())));
    }

    private Tensor finalNorm() {
        return config.family().has(Trait.NORMS_WITHOUT_WEIGHTS)
                ? held.keep(torch.ones(new long[]{config.hiddenSize()}, compute.options(ScalarType.Float)))
                : wide(config.family().names().finalNorm());
    }

    private Tensor wide(String name) {
        return held.keep(checkpoint.tensor(name).to(compute.torchDevice(), ScalarType.Float));
    }

    /**
     * Computes the input of the output projection. This is the final norm and, where they are, the projection to the
     * width of the embedding and the multiplier of the logits.
     *
     * @return {@code (tokens, embedding)}, float32; may lie in the workspace. A one more for each token where the output projection has a
     *         bias, which {@link #projection} has as a column more
     */
    public Tensor finalStates(Tensor hidden, Workspace workspace) {
        return withOne(statesBeforeBias(hidden, workspace));
    }

    private Tensor withOne(Tensor states) {
        return bias == null
                ? states
                : torch.cat(new TensorVector(states, torch.ones(new long[]{states.size(0), 1}, states.options())), 1);
    }

    private Tensor statesBeforeBias(Tensor hidden, Workspace workspace) {
        Tensor normed = normWeight == null
                ? hidden.to(ScalarType.Float)
                : config.norm().of(hidden, config.norm().scale(normWeight), normBias, workspace);
        Tensor states = projection == null ? normed : normed.mm(projection.t());
        double multiplier = config.multipliers().logits();
        return multiplier == 1 ? states : states.mul(new Scalar(multiplier));
    }

    /** As {@link #finalStates}, in plain operations through which gradients flow. */
    public Tensor plainFinalStates(Tensor hidden) {
        Tensor normed = normWeight == null ? hidden : config.norm().plain(hidden, normWeight, normBias);
        Tensor states = projection == null ? normed : normed.mm(projection.t());
        return withOne(states.mul(new Scalar(config.multipliers().logits())));
    }

    /**
     * What {@link #plainFinalStates} are multiplied with to give logits, {@code (vocabulary, embedding)}, float32: the output
     * projection, with its bias as a column more if it has one. Of the current PointerScope.
     */
    public Tensor plainProjection() {
        Tensor matrix = compute.floats(checkpoint.tensor(config.headTensor()));
        return bias == null ? matrix : torch.cat(new TensorVector(matrix, bias.unsqueeze(1)), 1);
    }

    ModelConfig config() {
        return config;
    }

    Compute compute() {
        return compute;
    }

    /** The output projection as it is stored, {@code (vocabulary, embedding)}, and a column more if it has a bias, on the device that computes. */
    Rows projection() {
        return rows;
    }

    /** How many tokens there are. */
    int vocabularySize() {
        return config.vocabularySize();
    }

    /** Logits as the model means them, in place. */
    Tensor capped(Tensor logits) {
        return config.multipliers().capped(logits);
    }

    /**
     * Logits, {@code (rows, vocabulary)}, float32; may lie in the workspace. Keeps the whole projection in the compute type from
     * then on.
     */
    public Tensor logits(Tensor hidden, Workspace workspace) {
        Tensor states = statesBeforeBias(hidden, workspace).to(compute.scalarType());
        return config.multipliers().capped(whole().of(states, "logits", workspace).to(ScalarType.Float));
    }

    /** Makes the whole projection, which {@link #logits} otherwise does when it is first called. */
    void prepareLogits() {
        whole();
    }

    private synchronized Linear whole() {
        if (whole == null) {
            try (var _ = new PointerScope()) {
                whole = Linear.packed(checkpoint.tensor(config.headTensor()).to(compute.torchDevice(),
                        compute.scalarType()), bias == null ? null : bias.to(compute.scalarType()), compute);
            }
        }
        return whole;
    }

    @Override
    public synchronized void close() {
        held.close();
        if (whole != null) {
            whole.close();
        }
    }
}
