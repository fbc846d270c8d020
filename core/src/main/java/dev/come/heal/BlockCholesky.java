package dev.come.heal;

import dev.come.model.Workspace;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The Cholesky factor of a large symmetric matrix, made inside the matrix by all threads. The factor takes the half below the
 * diagonal blocks, the matrix keeps the half above them: so it can be factorised with one penalty after the other, and no second
 * matrix is in memory. The bits do not depend on the number of threads.
 */
final class BlockCholesky {
    /** Outputs that a thread solves for at once. */
    private static final long OUTPUTS = 128;

    private final Tensor matrix;
    private final long block;
    private final int blocks;
    private final Workspace workspace;
    private final List<Tensor> diagonal;
    /** What the factor at hand was made with; NaN if there is none. */
    private double added = Double.NaN;

    /**
     * Takes a matrix. The diagonal blocks of factors are tensors of the current PointerScope.
     *
     * @param matrix {@code (n, n)}, float64; only the half from the diagonal on is read, and what lies below the diagonal blocks
     *        is overwritten
     * @param block rows of a diagonal block
     * @param workspace of the thread that calls, which shares the work
     */
    BlockCholesky(Tensor matrix, long block, Workspace workspace) {
        this.matrix = matrix;
        this.block = block;
        this.blocks = Math.toIntExact(Math.ceilDiv(matrix.size(0), block));
        this.workspace = workspace;
        this.diagonal = IntStream.range(0, blocks).mapToObj(row -> torch.empty_like(at(row, row))).toList();
    }

    /**
     * Factorises the matrix plus a multiple of the unit matrix, if that is not the factor at hand.
     *
     * @return false if rounding leaves it not positive
     */
    boolean factorise(double added) {
        if (added == this.added) {
            return true;
        }
        this.added = Double.NaN;
        begin(0, added);
        for (int row = 0; row < blocks; row++) {
            if (!factorise(row)) {
                return false;
            }
            int above = row;
            // What the next diagonal block takes from columns before this one is done beside the others, so nobody waits for it.
            workspace.share(blocks - row, (below, _) -> {
                if (below > 0) {
                    below(above, above + below);
                } else if (above + 1 < blocks) {
                    begin(above + 1, added);
                }
            });
        }
        this.added = added;
        return true;
    }

    /** Takes all columns of the factor but those of the block before from a diagonal block of the matrix. */
    private void begin(int row, double added) {
        try (var _ = new PointerScope()) {
            Tensor upper = at(row, row).triu();
            Tensor symmetric = diagonal.get(row).copy_(upper.add_(upper.triu(1).t()));
            symmetric.diagonal().add_(new Scalar(added));
            if (row > 1) {
                Tensor left = left(row).narrow(1, 0, (row - 1) * block);
                symmetric.addmm_(left, left.t(), new Scalar(1), new Scalar(-1));
            }
        }
    }

    /** Makes a diagonal block of the factor. */
    private boolean factorise(int row) {
        try (var _ = new PointerScope()) {
            Tensor symmetric = diagonal.get(row);
            if (row > 0) {
                Tensor before = at(row, row - 1);
                symmetric.addmm_(before, before.t(), new Scalar(1), new Scalar(-1));
            }
            Tensor info = torch.empty(new long[0], new TensorOptions(ScalarType.Int), new MemoryFormatOptional());
            torch.linalg_cholesky_ex_out(symmetric, info, symmetric.clone());
            return info.item_int() == 0;
        }
    }

    /** Makes a block below a diagonal one. */
    private void below(int above, int below) {
        try (var _ = new PointerScope()) {
            Tensor target = at(below, above);
            target.copy_(at(above, below).t());
            if (above > 0) {
                target.addmm_(left(below).narrow(1, 0, above * block), left(above).t(), new Scalar(1), new Scalar(-1));
            }
            // x L' = b
            target.copy_(torch.linalg_solve_triangular(diagonal.get(above).t(), target, true, false, false));
        }
    }

    /**
     * Solves for all columns of a right side, once factorised.
     *
     * @param right {@code (n, outputs)}, float64
     * @return the same shape, of the current PointerScope
     */
    Tensor solve(Tensor right) {
        Tensor solution = torch.empty_like(right);
        int pieces = Math.toIntExact(Math.ceilDiv(right.size(1), OUTPUTS));
        workspace.share(pieces, (piece, _) -> {
            long start = piece * OUTPUTS;
            long size = Math.min(OUTPUTS, right.size(1) - start);
            try (var _ = new PointerScope()) {
                Tensor columns = right.narrow(1, start, size).contiguous().clone();
                forward(columns);
                backward(columns);
                solution.narrow(1, start, size).copy_(columns);
            }
        });
        return solution;
    }

    private void forward(Tensor columns) {
        for (int row = 0; row < blocks; row++) {
            Tensor rows = rows(columns, row);
            if (row > 0) {
                rows.addmm_(left(row), columns.narrow(0, 0, row * block), new Scalar(1), new Scalar(-1));
            }
            rows.copy_(torch.linalg_solve_triangular(diagonal.get(row), rows, false, true, false));
        }
    }

    private void backward(Tensor columns) {
        for (int row = blocks - 1; row >= 0; row--) {
            Tensor rows = rows(columns, row);
            long end = row * block + rows.size(0);
            long rest = columns.size(0) - end;
            if (rest > 0) {
                Tensor below = matrix.narrow(0, end, rest).narrow(1, row * block, rows.size(0));
                rows.addmm_(below.t(), columns.narrow(0, end, rest), new Scalar(1), new Scalar(-1));
            }
            rows.copy_(torch.linalg_solve_triangular(diagonal.get(row).t(), rows, true, true, false));
        }
    }

    private Tensor rows(Tensor all, int row) {
        return all.narrow(0, row * block, Math.min(block, all.size(0) - row * block));
    }

    private Tensor at(int row, int column) {
        return rows(rows(matrix, row).t(), column).t();
    }

    /** What lies left of a diagonal block. */
    private Tensor left(int row) {
        return rows(matrix, row).narrow(1, 0, row * block);
    }
}
