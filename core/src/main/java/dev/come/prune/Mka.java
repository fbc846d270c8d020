package dev.come.prune;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * MKA (Liu et al. 2024): manifold-based knowledge alignment and layer merging.
 *
 * <p>What each layer makes of the samples is embedded by a diffusion map; how much two embeddings tell about each other, in
 * terms of their entropies, is the similarity of the layers. It is measured once. From the back on the last two layers then
 * become one, the more similar a layer is to all others the more it counts.
 *
 * <p>Each sample is one vector, the mean of its tokens' states, and the kernel is exact over all pairs of samples; the
 * published kernel sees only some tokens of some samples.
 */
public record Mka(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        double[][] similarity = similarity(stack, calibration.pooledStates(stack));
        List<Double> means = Arrays.stream(similarity).map(row -> Arrays.stream(row).average().orElseThrow()).toList();
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("mean_similarity_of_the_dense_layers", means);

        List<PruningStep> steps = new ArrayList<>();
        LayerStack left = stack;
        while (left.size() > targetLayers) {
            int last = left.size() - 2;
            double share = means.get(last) / (means.get(last) + means.get(last + 1));
            double alpha = 1 / (1 + Math.exp(-share));
            WeightedSum fused = new WeightedSum(
                    List.of(new Term(left.get(last), alpha), new Term(left.get(last + 1), 1 - alpha)), options.fuse);
            steps.add(PruningStep.merge(left, last, 2, fused, List.of(alpha, 1 - alpha), scores));
            left = steps.getLast().stack();
        }
        return steps;
    }

    /** Neighbours that mutual information is estimated from. */
    private static final int NEIGHBOURS = 5;
    /** Neighbours that entropy is estimated from. */
    private static final int ENTROPY_NEIGHBOURS = 50;

    /** The normalised mutual information of each pair of layers. */
    private double[][] similarity(LayerStack stack, List<double[][]> pooled) {
        int samples = pooled.getFirst().length;
        if (samples <= ENTROPY_NEIGHBOURS) {
            throw new InvalidInputException("mka compares layers over samples, each with its " + ENTROPY_NEIGHBOURS
                    + " nearest neighbours, and the calibration set has only " + samples
                    + " samples; raise --nsamples, or take a data set whose rows are samples of their own (mmlu, alpaca)");
        }
        List<int[][]> ranks = pooled.stream()
                .map(states -> DiffusionMap.ranks(DiffusionMap.of(states, options.kernelSigma)))
                .toList();
        double[] entropies = ranks.stream().mapToDouble(
                embedding -> RankInformation.entropy(embedding, ENTROPY_NEIGHBOURS)).toArray();
        double[][] similarity = new double[stack.size()][stack.size()];
        for (int i = 0; i < stack.size(); i++) {
            for (int j = i; j < stack.size(); j++) {
                double value = RankInformation.mutual(ranks.get(i), ranks.get(j), NEIGHBOURS)
                        / Math.sqrt(entropies[i] * entropies[j]);
                if (!Double.isFinite(value)) {
                    throw new FailedException("mka: the similarity of layers " + stack.get(i).tree() + " and "
                            + stack.get(j).tree() + " is " + value + " (their entropies are " + entropies[i] + " and "
                            + entropies[j] + "); take more samples or another --kernel-sigma");
                }
                similarity[i][j] = value;
                similarity[j][i] = value;
            }
        }
        return similarity;
    }

    /**
     * The options.
     *
     * @param kernelSigma {@code --kernel-sigma}: the scale of distances in the kernel
     * @param fuse {@code --fuse}: whether norms and biases are fused too or stay those of the earlier layer
     */
    public record Options(double kernelSigma, Scope fuse) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(8, Scope.ALL);

        public Options {
            if (!(kernelSigma > 0) || Double.isInfinite(kernelSigma)) {
                throw new UsageException(
                        "--kernel-sigma is " + kernelSigma + ", but must be a finite number above 0");
            }
        }
    }

    @Override
    public String name() {
        return "mka";
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        return Cost.once(layers, 0);
    }
}
