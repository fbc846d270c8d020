package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

class CausalAttentionTests {
    private static final int TOKENS = 700;

    /** Plainly, in float64; or with scores and shares rounded to bfloat16, as plain attention in that type has them. */
    private static Tensor plain(Tensor queries, Tensor keys, Tensor values, boolean round) {
        Tensor scores = queries.to(ScalarType.Double)
                .matmul(keys.to(ScalarType.Double).transpose(1, 2));
        if (round) {
            scores = scores.to(ScalarType.BFloat16).to(ScalarType.Double);
        }
        Tensor future = torch.ones(queries.size(1), keys.size(1)).triu(1 + keys.size(1) - queries.size(1))
                .to(ScalarType.Bool);
        Tensor shares = torch.softmax(scores.masked_fill(future, new Scalar(Double.NEGATIVE_INFINITY)), -1);
        if (round) {
            shares = shares.to(ScalarType.BFloat16).to(ScalarType.Double);
        }
        return shares.matmul(values.to(ScalarType.Double));
    }

    /**
     * Scores as trained models have them: that with the first token is 18, the others go from -20 to 20, and all of them
     * together weigh about as much as the first. Where no anchor is near the largest score, rounding is that of the scores.
     */
    @Test
    void bfloat16RoundsByLessThanItsScoresWould() {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-mha"));
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            long heads = config.heads();
            int dim = config.headDim();
            torch.manual_seed(5);
            Tensor queries = torch.randn(heads, TOKENS, dim).mul_(new Scalar(1.8));
            queries.select(2, 0).fill_(new Scalar(6.0));
            queries = rounded(queries);
            Tensor keys = torch.randn(heads, TOKENS, dim);
            keys.select(2, 0).zero_();
            keys.select(1, 0).zero_().select(1, 0).fill_(new Scalar(3.0));
            keys = rounded(keys);
            Tensor values = rounded(torch.randn(heads, TOKENS, dim));
            Compute compute = new Compute(DType.BF16, "cpu", 1);
            Tensor output = torch.empty(TOKENS, heads, 1, dim).to(ScalarType.BFloat16);
            try (CausalAttention attention = new CausalAttention(config, AttentionKind.EVERYTHING, null, compute);
                    Workspace workspace = new Workspace(compute)) {
                attention.attend(queries.unsqueeze(2).contiguous(), keys, values, output, workspace);
            }
            Tensor actual = output.squeeze(2).transpose(0, 1).to(ScalarType.Double);
            double error = actual.sub(plain(queries, keys, values, false)).abs().mean().item_double();
            double naive = plain(queries, keys, values, true).sub(plain(queries, keys, values, false)).abs().mean()
                    .item_double();
            assertThat(error).isLessThan(1.5e-3).isLessThan(0.7 * naive);
        }
    }

    /** Also of those that go on from others: 40 queries against 90 keys. */
    @Test
    void shortSequencesAreAttendedInFloat32WhateverTheType() {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-mha"));
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            long heads = config.heads();
            int dim = config.headDim();
            torch.manual_seed(6);
            Tensor queries = torch.randn(heads, 40, dim);
            Tensor keys = torch.randn(heads, 90, dim);
            Tensor values = torch.randn(heads, 90, dim);
            Compute compute = new Compute(DType.BF16, "cpu", 1);
            Tensor output = torch.empty(40, heads, 1, dim).to(ScalarType.Float);
            try (CausalAttention attention = new CausalAttention(config, AttentionKind.EVERYTHING, null, compute);
                    Workspace workspace = new Workspace(compute)) {
                attention.attend(queries.unsqueeze(2).contiguous(), keys, values, output, workspace);
            }
            Tensor actual = output.squeeze(2).transpose(0, 1).to(ScalarType.Double);
            assertThat(actual.sub(plain(queries, keys, values, false)).abs().max().item_double()).isLessThan(1e-5);
        }
    }

    private static Tensor rounded(Tensor x) {
        return x.to(ScalarType.BFloat16).to(ScalarType.Float);
    }
}
