package dev.come.model;

import dev.come.checkpoint.ConfigTree;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Constant factors of the forward pass. Most families have none but that of the attention scores.
 *
 * @param embedding of the embeddings
 * @param attention of the products of queries and keys
 * @param residual of what attention and feed-forward add to the residual stream
 * @param logits of the logits
 * @param attentionCap scores s become {@code cap * tanh(s / cap)}; infinity leaves them as they are
 * @param logitCap the same for logits
 */
public record Multipliers(double embedding, double attention, double residual, double logits, double attentionCap,
        double logitCap) {

    static Multipliers of(ConfigTree config, Family family, int hiddenSize, int headDim) {
        double logits = family.number(config, "logits_scaling").orElse(1.0);
        double queryScale = family.number(config, "query_pre_attn_scalar").orElse((double) headDim);
        return new Multipliers(
                family.number(config, "embedding_multiplier")
                        .orElse(family.has(Trait.SCALED_EMBEDDING) ? Math.sqrt(hiddenSize) : 1.0),
                family.number(config, "attention_multiplier")
                        .orElse(family.bool(config, "scale_attn_weights", true) ? 1 / Math.sqrt(queryScale) : 1.0),
                family.number(config, "residual_multiplier").orElse(1.0),
                family.has(Trait.LOGITS_MULTIPLIED) ? logits : 1 / logits,
                cap(config, family, "attn_logit_softcapping"), cap(config, family, "final_logit_softcapping"));
    }

    private static double cap(ConfigTree config, Family family, String key) {
        return family.number(config, key).orElse(Double.POSITIVE_INFINITY);
    }

    /** Whether the scores of attention are capped. */
    boolean capsAttention() {
        return attentionCap != Double.POSITIVE_INFINITY;
    }

    /** Whether logits are capped. */
    public boolean capsLogits() {
        return logitCap != Double.POSITIVE_INFINITY;
    }

    /** Logits as the model means them, in place; float32. */
    public Tensor capped(Tensor logits) {
        return capsLogits() ? cap(logits, logitCap) : logits;
    }

    /** The derivative of capped logits with respect to the logits before, from the capped ones. */
    public Tensor slope(Tensor capped) {
        return capped.div(new Scalar(logitCap)).square_().neg_().add_(new Scalar(1.0));
    }

    /** Scores of attention as the model means them, in place; float32. */
    Tensor cappedScores(Tensor scores) {
        return capsAttention() ? cap(scores, attentionCap) : scores;
    }

    private static Tensor cap(Tensor x, double bound) {
        return x.div_(new Scalar(bound)).tanh_().mul_(new Scalar(bound));
    }
}
