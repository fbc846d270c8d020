package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.TensorInfo;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The rows of a large matrix: one for each token or position. A few of them are read at a time. */
interface Rows {
    /** How many there are. */
    long count();

    /**
     * Copies rows.
     *
     * @param into {@code (rows, width)}, of any type: takes as many as it has itself
     * @param workspace may hold them on the way
     * @return the same tensor
     */
    Tensor copy(long first, Tensor into, Workspace workspace);

    /** The rows with these numbers, {@code (numbers, width)}, in the type that they are stored in. */
    Tensor pick(int[] numbers);

    /** Rows that lie in memory; the matrix must outlive this. */
    record InMemory(Tensor matrix) implements Rows {
        @Override
        public long count() {
            return matrix.size(0);
        }

        @Override
        public Tensor copy(long first, Tensor into, Workspace workspace) {
            return into.copy_(matrix.narrow(0, first, into.size(0)));
        }

        @Override
        public Tensor pick(int[] numbers) {
            return torch.index_select(matrix, 0, torch.tensor(numbers).to(matrix.device(), ScalarType.Int));
        }
    }

    /** Rows with a number more each, at their end. */
    record WithBias(Rows rows, Tensor bias) implements Rows {
        @Override
        public long count() {
            return rows.count();
        }

        @Override
        public Tensor copy(long first, Tensor into, Workspace workspace) {
            long width = into.size(1) - 1;
            rows.copy(first, into.narrow(1, 0, width), workspace);
            into.select(1, width).copy_(bias.narrow(0, first, into.size(0)));
            return into;
        }

        @Override
        public Tensor pick(int[] numbers) {
            Tensor picked = rows.pick(numbers);
            Tensor theirs = torch.index_select(bias, 0, torch.tensor(numbers).to(bias.device(), ScalarType.Int));
            return torch.cat(new TensorVector(picked, theirs.to(picked.scalar_type()).unsqueeze(1)), 1);
        }
    }

    /** The output projection of a model that has none; whoever asks for it is told so. */
    record None(ModelConfig config) implements Rows {
        @Override
        public long count() {
            throw config.withoutOutputProjection("Losses and logits");
        }

        @Override
        public Tensor copy(long first, Tensor into, Workspace workspace) {
            throw config.withoutOutputProjection("Losses and logits");
        }

        @Override
        public Tensor pick(int[] numbers) {
            throw config.withoutOutputProjection("Losses and logits");
        }
    }

    /** Rows of a tensor of a checkpoint, which must stay open. They are read from the file each time. */
    record InFile(Checkpoint checkpoint, String name) implements Rows {
        @Override
        public long count() {
            return checkpoint.info(name).shape().getFirst();
        }

        @Override
        public Tensor copy(long first, Tensor into, Workspace workspace) {
            TensorInfo tensor = checkpoint.info(name);
            ScalarType stored = tensor.dtype().scalarType();
            if (into.scalar_type().value == stored.value && into.is_contiguous()) {
                checkpoint.readRows(name, first, into);
                return into;
            }
            Tensor read = workspace.tensor("rowsOfFile", stored, into.size(0), tensor.shape().getLast());
            checkpoint.readRows(name, first, read);
            return into.copy_(read);
        }

        @Override
        public Tensor pick(int[] numbers) {
            return checkpoint.rows(name, numbers);
        }
    }
}
