package dev.come.calibration;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.calibration.TokenChunks.Chunk;
import dev.come.model.Compute;
import dev.come.model.LayerObserver;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * The losses of several stacks on the same sequences. Stacks that begin alike share the work of their common layers, and
 * sequences go through in groups that fit the memory.
 */
public final class StackLosses {
    private final LayerStore store;
    private final Compute compute;
    private final List<LayerStack> stacks;
    private final List<TokenChunks> groups;
    private final int sequenceCount;

    /**
     * Plans the work.
     *
     * @param memory bytes of hidden states that are held at most; one chunk for each thread goes through in any case
     */
    public StackLosses(LayerStore store, List<LayerStack> stacks, Sequences sequences, Compute compute, long memory) {
        this.store = store;
        this.compute = compute;
        this.stacks = List.copyOf(stacks);
        this.sequenceCount = sequences.count();
        // The states of a group are held once for every place where stacks part ways, and once more for the running layer.
        long copies = 1L + partings(stacks, 0);
        long tokenBytes = (long) store.config().hiddenSize() * compute.type().bytes();
        this.groups = TokenChunks.of(sequences).groups(memory / copies / tokenBytes, compute.threads());
    }

    /** How often a layer will be run over a chunk of tokens, in all. */
    public long runs() {
        return edges(stacks, 0) * groups.stream().mapToLong(TokenChunks::size).sum();
    }

    /**
     * The mean cross-entropy of the second to last token of each sequence, in nats.
     *
     * @param progress advances by one with every layer that was run over a chunk of tokens
     * @return one array for each stack: the losses of the sequences in their order
     */
    public List<double[]> measure(Progress.Task progress) {
        double[][] losses = new double[stacks.size()][sequenceCount];
        try (LayerRunner runner = new LayerRunner(store, compute, progress)) {
            for (TokenChunks group : groups) {
                Tensor[] embedded = new Tensor[group.size()];
                runner.workers().forEach(group.size(), (chunk, workspace) -> embedded[chunk] = runner
                        .embed(group.get(chunk)).retainReference());
                List<Integer> all = new ArrayList<>();
                for (int i = 0; i < stacks.size(); i++) {
                    all.add(i);
                }
                visit(runner, group, embedded, 0, all, losses);
            }
        }
        return Arrays.asList(losses);
    }

    /** Goes on from states that these stacks share after their first layers; the states are gone afterwards. */
    private void visit(LayerRunner runner, TokenChunks group, Tensor[] hidden, int depth, List<Integer> members,
            double[][] losses) {
        Map<LayerNode, List<Integer>> next = new LinkedHashMap<>();
        for (int member : members) {
            LayerStack stack = stacks.get(member);
            if (stack.size() == depth) {
                addLosses(runner, group, hidden, losses[member], stack);
            } else {
                next.computeIfAbsent(stack.get(depth), node -> new ArrayList<>()).add(member);
            }
        }
        int left = next.size();
        for (Map.Entry<LayerNode, List<Integer>> branch : next.entrySet()) {
            Tensor[] own = --left == 0 ? hidden : copies(hidden);
            runner.run(branch.getKey(), group, weights -> {
            }, new LayerRunner.Pass() {
                @Override
                public Tensor before(int chunk) {
                    return own[chunk];
                }

                @Override
                public LayerObserver observer(int chunk) {
                    return LayerObserver.NONE;
                }

                @Override
                public void after(int chunk, Tensor states) {
                    // They were changed in place.
                }
            });
            visit(runner, group, own, depth + 1, branch.getValue(), losses);
        }
        if (next.isEmpty()) {
            for (Tensor states : hidden) {
                states.releaseReference();
            }
        }
    }

    private static Tensor[] copies(Tensor[] hidden) {
        return Arrays.stream(hidden).map(states -> states.clone().<Tensor>retainReference()).toArray(Tensor[]::new);
    }

    private static void addLosses(LayerRunner runner, TokenChunks group, Tensor[] hidden, double[] losses,
            LayerStack stack) {
        runner.workers().forEach(group.size(), (index, workspace) -> {
            Chunk chunk = group.get(index);
            double[][] byToken = runner.head().losses(hidden[index], chunk.tokens(), chunk.layout(), workspace);
            for (int i = 0; i < byToken.length; i++) {
                double loss = Arrays.stream(byToken[i]).average().orElse(0);
                if (!Double.isFinite(loss)) {
                    throw new FailedException("The loss of sequence " + (chunk.first() + i) + " under the layers "
                            + stack.tree() + " is " + loss + "; try --dtype float32");
                }
                losses[chunk.first() + i] = loss;
            }
        });
    }

    /** How many layers the stacks have from this depth on, common ones counted once. */
    private static long edges(List<LayerStack> stacks, int depth) {
        return branches(stacks, depth).stream().mapToLong(branch -> 1 + edges(branch, depth + 1)).sum();
    }

    /** At how many places on the way down other stacks wait at most. */
    private static int partings(List<LayerStack> stacks, int depth) {
        List<List<LayerStack>> branches = branches(stacks, depth);
        return (branches.size() > 1 ? 1 : 0)
                + branches.stream().mapToInt(branch -> partings(branch, depth + 1)).max().orElse(0);
    }

    private static List<List<LayerStack>> branches(List<LayerStack> stacks, int depth) {
        Map<LayerNode, List<LayerStack>> branches = new LinkedHashMap<>();
        for (LayerStack stack : stacks) {
            if (stack.size() > depth) {
                branches.computeIfAbsent(stack.get(depth), node -> new ArrayList<>()).add(stack);
            }
        }
        return List.copyOf(branches.values());
    }
}
