"""The gradient's size with OpenCV: `python opencv_sobel.py INPUT OUTPUT THREADS`."""

import sys

import cv2

cv2.setNumThreads(int(sys.argv[3]))
image = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE)
size = cv2.magnitude(cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1))
cv2.imwrite(sys.argv[2], cv2.convertScaleAbs(size))
