"""Trees of ExKMC (IMM) and ShallowTree (ExGreedy, ExShallow) for given k-means centres; for an
interpreter that has them.

    python tree_peers.py GIVEN.npz LABELS.npz

Called by trees.py --peers. ExKMC 0.0.3 and ShallowTree 0.0.11 work with Python 3.8, scikit-learn
0.22 and numpy 1.19.
"""

import sys

import numpy as np
from ExKMC.Tree import Tree
from ShallowTree.ShallowTree import ShallowTree
from sklearn.cluster import KMeans

given = np.load(sys.argv[1])
X = np.ascontiguousarray(given["X"])
centers = given["centers"]
K = len(centers)
kmeans = KMeans(K, init=centers, n_init=1, max_iter=1).fit(X)
kmeans.cluster_centers_ = centers
trees = {
    "ExKMC": Tree(K),
    "ExGreedy": ShallowTree(K, depth_factor=0.0),
    "ExShallow": ShallowTree(K),
}
trees["ExKMC"].fit(X, kmeans)
trees["ExGreedy"].fit(X, centers)
trees["ExShallow"].fit(X, centers)
np.savez(
    sys.argv[2], **{name: np.asarray(tree.predict(X)).astype(int) for name, tree in trees.items()}
)
