package dev.come;

import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.Embedding;
import dev.come.model.LanguageModelHead;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.model.Tensors;
import dev.come.model.TokenLayout;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The slow twin of all measurements: one sequence through the plain layers, all logits, and a float64 softmax. */
public final class PlainModel {
    private PlainModel() {
    }

    /** For each token of a sequence the logarithms of the probabilities of the next one, {@code [tokens][vocabulary]}. */
    public static double[][] logProbabilities(Path folder, int[] ids) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return logProbabilities(checkpoint, ids);
        }
    }

    /** As above, of an open model. */
    public static double[][] logProbabilities(Checkpoint checkpoint, int[] ids) {
        ModelConfig config = ModelConfig.of(checkpoint);
        Compute compute = Compute.float32(1);
        PlainLayer layer = new PlainLayer(config);
        try (var _ = new NoGradGuard();
                var _ = new PointerScope();
                Rotation rotation = new Rotation(compute);
                Embedding embedding = new Embedding(checkpoint, config, compute);
                LanguageModelHead head = new LanguageModelHead(checkpoint, config, compute)) {
            TokenLayout layout = TokenLayout.of(ids.length);
            Tensor hidden = embedding.of(ids, layout);
            for (int i = 0; i < config.layers(); i++) {
                LayerWeights weights = LayerWeights.of(checkpoint, config, i)
                        .map((part, tensor) -> tensor.to(ScalarType.Float));
                hidden = layer.forward(weights, hidden, layout, rotation);
            }
            Tensor states = head.plainFinalStates(hidden).to(ScalarType.Double);
            Tensor logits = states.matmul(checkpoint.tensor(config.headTensor()).to(ScalarType.Double).t());
            if (config.multipliers().capsLogits()) {
                Scalar cap = new Scalar(config.multipliers().logitCap());
                logits = logits.div(cap).tanh().mul(cap);
            }
            double[] all = Tensors.doubles(torch.log_softmax(logits, 1));
            double[][] rows = new double[ids.length][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = Arrays.copyOfRange(all, i * config.vocabularySize(), (i + 1) * config.vocabularySize());
            }
            return rows;
        }
    }

    /** The sum over the vocabulary of p (log p - log q). */
    public static double divergence(double[] logP, double[] logQ) {
        double sum = 0;
        for (int i = 0; i < logP.length; i++) {
            sum += Math.exp(logP[i]) * (logP[i] - logQ[i]);
        }
        return sum;
    }

    /** Where the largest value is; the first of equal ones. */
    public static int top(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }
}
